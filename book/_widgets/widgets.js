/* Makes the pictures of book/_ext/widgets.py move: each function reads the controls, draws again and returns the
   sentence below the picture. A plain script, not a module: those do not load in a book that is opened from disk. */
(() => {
  const numbers = (text) => text.split(" ").map(Number);
  const short = (v) => Number(v.toFixed(4));
  const two = (v) => v.toFixed(2).replace("-", "−");
  const line = (widget, name, d) => widget.querySelector(`[data-line=${name}]`).setAttribute("d", d);
  const stairs = (values) => "M-0.5 0" + values.map((v, t) => `V${short(v)}H${t + 0.5}`).join("") + "V0";

  function gates(widget, controls) {
    const g = numbers(widget.dataset.g), c = [], h = [], signals = { c, h };
    for (const name of "ifo") {
      const { value } = controls[name], box = controls[`${name}-closed`];
      const closed = box.checked ? numbers(box.value) : [];
      signals[name] = g.map((_, t) => (closed.includes(t) ? 0 : Number(value)));
      controls[name].nextElementSibling.value = two(Number(value));
    }
    const { i, f, o } = signals, before = (t) => (t ? c[t - 1] : 0);
    for (let t = 0; t < g.length; t++) {
      c[t] = f[t] * before(t) + i[t] * g[t];
      h[t] = o[t] * Math.tanh(c[t]);
    }
    for (const name in signals) line(widget, name, stairs(signals[name]));
    const t = Number(controls.step.value);
    line(widget, "mark", `M${t} 0V1`);
    controls.step.nextElementSibling.value = t;
    return `Step ${t}: c′ = f c + i g, h′ = o tanh c′\n` +
      `c′ = ${two(f[t])} × ${two(before(t))} + ${two(i[t])} × ${two(g[t])} = ${two(c[t])}\n` +
      `h′ = ${two(o[t])} × ${two(Math.tanh(c[t]))} = ${two(h[t])}`;
  }

  function halfLife(widget, controls) {
    const f = numbers(widget.dataset.f)[controls.f.value], half = Math.log(0.5) / Math.log(f);
    const named = String(Number(f.toFixed(4)));
    const steps = half < 1.05 ? "1 step" : `${half.toFixed(half < 10 ? 1 : 0)} steps`;
    const left = (n) => (f ** n < 0.001 ? "less than 0.1 %" : `${(100 * f ** n).toFixed(1)} %`);
    line(widget, "gradient", "M" + numbers(widget.dataset.n).map((n) => `${short(Math.log10(n))} ${short(f ** n)}`).join("L"));
    line(widget, "half", `M${short(Math.log10(half))} 0.5h0`);
    controls.f.nextElementSibling.value = named;
    controls.f.setAttribute("aria-valuetext", `${named}, half-life ${steps}`);
    return `f = ${named}, a bias of ${two(Math.log(f / (1 - f)))}: the half-life is ${steps}.\n` +
      `Of a gradient, ${left(10)} is left after 10 steps, ${left(100)} after 100.`;
  }

  const draw = { gates, "half-life": halfLife };
  for (const widget of document.querySelectorAll("[data-widget]")) {
    const form = widget.querySelector("form"), said = widget.querySelector(".said");
    const update = (event) => {
      said.setAttribute("aria-live", event?.type === "input" ? "off" : "polite"); // read out when the hand lets go, not all the way
      said.textContent = draw[widget.dataset.widget](widget, form.elements);
    };
    form.hidden = false;
    form.addEventListener("input", update);
    form.addEventListener("change", update);
    form.addEventListener("reset", () => setTimeout(update)); // once the browser has put the sliders back
    form.addEventListener("submit", (event) => event.preventDefault()); // Enter
    form.addEventListener("click", ({ target }) => {
      if (target.type !== "button") return;
      form.elements.f.value = target.value;
      update();
    });
    update();
  }
})();
