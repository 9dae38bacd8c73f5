/** Buttons that copy text, and say that they did. */

const SAID_FOR = 1500

export function copyButton(button: HTMLButtonElement, text: () => string): void {
  const label = button.textContent
  button.addEventListener("click", async () => {
    let said = "Copied"
    try {
      await navigator.clipboard.writeText(text())
    } catch {
      said = "Not allowed here"
    }
    button.textContent = said
    setTimeout(() => (button.textContent = label), SAID_FOR)
  })
}
