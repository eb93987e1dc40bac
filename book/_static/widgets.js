// Moves the pictures that book/_ext/widgets.py drew. A plain script: modules do not load from a file on disk.
document.addEventListener("DOMContentLoaded", () => {
  const path = (points) => "M" + points.map(([x, y]) => `${x.toFixed(3)} ${y.toFixed(4)}`).join("L");
  const text = (number, digits = 2) => number.toFixed(digits).replace("-", "−");

  // Each takes the values of the controls, returns the lines by name, and a sentence.
  const draw = {
    "gate-explorer"(at, { g }) {
      const open = (gate, t) => {
        const [from, to] = at[`when-${gate}`].split("-");
        return from !== "" && t >= +from && t <= +to ? 0 : +at[gate];
      };
      const c = [], h = [];
      g.split(" ").forEach((g, t) => {
        c.push(open("f", t) * (c.at(-1) ?? 0) + open("i", t) * g);
        h.push(open("o", t) * Math.tanh(c.at(-1)));
      });
      const line = (values) => path(values.map((value, t) => [t, value]));
      const said = `At step ${c.length - 1} the memory c is ${text(c.at(-1))} and the state h is ${text(h.at(-1))}.`;
      return [{ c: line(c), h: line(h) }, said];
    },
    "half-life"(at) {
      const f = 1 / (1 + Math.exp(-at.bias)), half = Math.log(0.5) / Math.log(f);
      const points = Array.from({ length: 161 }, (_, k) => [k / 40, f ** (10 ** (k / 40))]);
      const said = `Bias ${at.bias}, f = ${f.toFixed(f < 0.9905 ? 3 : 4)}: half of the memory is left after `
        + `${half.toFixed(half < 10 ? 1 : 0)} steps.`;
      return [{ curve: path(points), mark: `M${Math.log10(half).toFixed(3)} .5V0` }, said];
    },
  };

  for (const root of document.querySelectorAll(".widget")) {
    const form = root.querySelector("form"), status = root.querySelector(".said");
    const update = (event) => {
      const [lines, said] = draw[root.dataset.widget](Object.fromEntries(new FormData(form)), root.dataset);
      for (const [part, d] of Object.entries(lines)) root.querySelector(`[data-part="${part}"]`).setAttribute("d", d);
      for (const input of form.querySelectorAll("input")) {
        input.closest("div").querySelector("output").textContent = input.value.padEnd(input.step.length, ".0");
        input.setAttribute("aria-valuetext", `${input.value}. ${said}`);
      }
      if (event.type === "change") status.textContent = said; // read aloud once the hand lets go
    };
    form.addEventListener("input", update);
    form.addEventListener("change", update);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
  }
});
