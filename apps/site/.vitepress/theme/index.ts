import type { Theme } from "vitepress"
import DefaultTheme from "vitepress/theme"
import { h } from "vue"
import { Selector } from "../../src/selector.ts"
import "./style.css"
import { sample } from "../../src/sample.ts"

export default {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { "home-hero-image": sample }),
  enhanceApp({ app }) {
    app.component("Selector", Selector)
  },
} satisfies Theme
