/** Values computed with 40 digits, and PyTorch's at the poles and the ends. */
import { describe, expect, it } from "vitest"
import { digamma, erf, erfc, erfinv, lgamma, polygamma, sigmoid } from "../src/special.ts"

const GOLDEN: Record<string, readonly (readonly [number, number])[]> = {
  erf: [
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [0.99, 0.8385080695553698],
    [1, 0.8427007929497149],
    [1.5, 0.9661051464753108],
    [3, 0.9999779095030014],
    [5.5, 0.9999999999999927],
    [-2, -0.9953222650189527],
  ],
  erfc: [
    [-3, 1.9999779095030015],
    [-0.5, 1.5204998778130465],
    [0.1, 0.887537083981715],
    [0.3, 0.6713732405408726],
    [0.9, 0.20309178757716786],
    [1, 0.15729920705028513],
    [2, 0.004677734981047266],
    [5, 1.537459794428035e-12],
    [10, 2.088487583762545e-45],
    [20, 5.395865611607901e-176],
    [26, 5.663192408856143e-296],
  ],
  erfinv: [
    [0.001, 0.0008862271574665521],
    [0.1, 0.08885599049425769],
    [0.5, 0.4769362762044699],
    [0.9, 1.1630871536766743],
    [0.99, 1.8213863677184494],
    [0.999999, 3.458910737275499],
    [-0.7, -0.7328690779592167],
    [1e-12, 8.86226925452758e-13],
    [0.9999999999999991, 5.686128441310391],
  ],
  lgamma: [
    [1e-10, 23.025850929882736],
    [0.1, 2.252712651734206],
    [0.5, 0.5723649429247001],
    [0.999, 0.0005780385328913802],
    [1.001, -0.0005763935982833062],
    [1.5, -0.12078223763524522],
    [1.999, -0.0004224618006921073],
    [2.001, 0.000423106734800117],
    [2.75, 0.47521466691493713],
    [5, 3.1780538303479458],
    [7.9, 8.32426586800881],
    [8, 8.525161361065415],
    [25, 54.78472939811232],
    [100000.0, 1051287.7089736569],
    [-0.5, 1.2655121234846454],
    [-1.5, 0.860047015376481],
    [-7.3, -7.779101629826852],
  ],
  digamma: [
    [0.01, -100.56088545786868],
    [0.5, -1.9635100260214235],
    [1, -0.5772156649015329],
    [2, 0.42278433509846713],
    [7.5, 1.9467574842460869],
    [10, 2.251752589066721],
    [1000, 6.907255195648812],
    [-0.5, 0.03648997397857652],
    [-3.3, 3.620353460592126],
  ],
  trigamma: [
    [0.1, 101.43329915079275],
    [1, 1.6449340668482264],
    [2.5, 0.49035775610023485],
    [30, 0.033895060357739946],
    [-0.5, 8.934802200544679],
    [-3.3, 14.817739525515929],
    [-100.25, 19.729283325349364],
  ],
  tetragamma: [
    [0.1, -2001.8614573783436],
    [1, -2.4041138063191885],
    [2.5, -0.2362040516417274],
    [30, -0.0011487652037286],
    [-0.5, -0.82879664423432],
    [-3.3, 68.76944547748523],
  ],
  polygamma5: [
    [0.1, 120000069.30751093],
    [1, 122.0811674381339],
    [2.5, 0.5785691785671835],
    [30, 1.0726994936161623e-6],
    [-0.5, 15371.113548602436],
    [-3.3, 165660.14652917208],
  ],
}

const FUNCTIONS: Record<string, (x: number) => number> = {
  erf,
  erfc,
  erfinv,
  lgamma,
  digamma,
  trigamma: (x) => polygamma(1, x),
  tetragamma: (x) => polygamma(2, x),
  polygamma5: (x) => polygamma(5, x),
}

describe("special functions", () => {
  it.each(Object.keys(GOLDEN))("%s", (name) => {
    for (const [x, want] of GOLDEN[name]) {
      // Below 0 a reflection subtracts numbers of about 1 and more.
      const scale = /gamma/.test(name) && x < 0 ? Math.max(1, Math.abs(want)) : Math.abs(want)
      expect(Math.abs(FUNCTIONS[name](x) - want) / scale, `${name}(${x})`).toBeLessThanOrEqual(6 * 2 ** -52)
    }
  })

  it.each<[string, (x: number) => number, readonly (readonly [number, number])[]]>([
    [
      "erf",
      erf,
      [
        [Infinity, 1],
        [-Infinity, -1],
        [NaN, NaN],
        [-0, -0],
        [7, 1],
      ],
    ],
    [
      "erfc",
      erfc,
      [
        [Infinity, 0],
        [-Infinity, 2],
        [NaN, NaN],
        [0, 1],
        [30, 0],
        [-30, 2],
      ],
    ],
    [
      "erfinv",
      erfinv,
      [
        [1, Infinity],
        [-1, -Infinity],
        [1.1, NaN],
        [NaN, NaN],
        [0, 0],
        [-0, -0],
      ],
    ],
    [
      "lgamma",
      lgamma,
      [
        [0, Infinity],
        [-0, Infinity],
        [-2, Infinity],
        [1, 0],
        [2, 0],
        [Infinity, Infinity],
        [-Infinity, Infinity],
        [NaN, NaN],
      ],
    ],
    [
      "digamma",
      digamma,
      [
        [0, -Infinity],
        [-0, Infinity],
        [-1, NaN],
        [Infinity, Infinity],
        [-Infinity, NaN],
        [NaN, NaN],
      ],
    ],
    [
      "trigamma",
      (x) => polygamma(1, x),
      [
        [0, Infinity],
        [-1, Infinity],
        [Infinity, 0],
        [NaN, NaN],
      ],
    ],
    [
      "tetragamma",
      (x) => polygamma(2, x),
      [
        [0, -Infinity],
        [-1, -Infinity],
        [NaN, NaN],
      ],
    ],
    [
      "sigmoid",
      sigmoid,
      [
        [-800, 0],
        [800, 1],
        [0, 0.5],
        [NaN, NaN],
        [-Infinity, 0],
        [Infinity, 1],
      ],
    ],
  ])("%s at the ends", (_, f, cases) => {
    for (const [x, want] of cases) expect(f(x) + 0, `at ${x}`).toBe(want + 0)
  })
})
