"use strict";
(() => {
  // a row: 0 id, 1 speaker, 2 seconds, 3 S, 4 D, 5 I, 6 words, 7 character errors, 8 confidence, 9 alignment
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const table = read("table"), audio = read("audio"), {worst, rated} = read("listed");
  const STEP = 60; // rows put into the page at once; thousands of them would take seconds
  const errors = (r) => r[3] + r[4] + r[5];
  const rate = (r) => (r[6] ? errors(r) / r[6] : errors(r) ? Infinity : 0);
  const element = (name, text, kind) => {
    const e = document.createElement(name);
    if (text !== undefined && text !== null) e.textContent = text;
    if (kind) e.className = kind;
    return e;
  };
  const aligned = (r) => {
    const cell = element("td", null, "text");
    for (const part of r[9]) {
      if (typeof part === "string") cell.append(part + " ");
      else {
        const [said, heard] = part;
        const e = element("span", null, said === null ? "i" : heard === null ? "d" : "s");
        if (said !== null && heard !== null) e.append(element("del", said), " ", element("ins", heard));
        else e.textContent = said === null ? heard : said;
        cell.append(e, " ");
      }
    }
    return cell;
  };
  const player = (id) => {
    if (!(id in audio)) return "";
    const e = document.createElement("audio");
    e.controls = true;
    e.preload = "none";
    e.src = audio[id];
    return e;
  };
  const number = (value, label) => {
    const cell = element("td", value, "n");
    cell.dataset.label = label;
    return cell;
  };
  const line = (r) => {
    const tr = document.createElement("tr"), id = element("td", r[0], "id");
    id.append(player(r[0]));
    const wer = rate(r);
    tr.append(id, element("td", r[1]), number(r[2], "s"), number(r[6], "words"), number(errors(r), "errors"),
      number(wer === Infinity ? "∞" : (100 * wer).toFixed(1), "WER %"));
    if (rated) tr.append(number(r[8] === null ? "" : r[8].toFixed(3), "confidence"));
    tr.append(aligned(r));
    return tr;
  };

  const body = document.querySelector("#rows tbody"), more = document.getElementById("more");
  const filter = document.getElementById("filter"), kind = document.getElementById("kind");
  const texts = table.map((r) => [r[0], r[1], ...r[9].flat()].join(" ").toLowerCase());
  const KINDS = {"": () => true, wrong: (r) => errors(r) > 0, right: (r) => errors(r) === 0,
    s: (r) => r[3] > 0, d: (r) => r[4] > 0, i: (r) => r[5] > 0};
  let shown = [], done = 0, key = null, down = false;
  const grow = () => {
    body.append(...shown.slice(done, done + STEP).map(line));
    done = Math.min(shown.length, done + STEP);
  };
  const fill = () => { // as far as somebody may scroll before the next event
    do grow(); while (done < shown.length && more.getBoundingClientRect().top < window.innerHeight + 1500);
  };
  const value = (r) => (key === "errors" ? errors(r) : key === "wer" ? rate(r) : r[key]);
  const compare = (a, b) => {
    const x = value(a), y = value(b);
    if (x === y) return 0;
    if (x === null) return 1;
    if (y === null) return -1;
    return (x < y ? -1 : 1) * (down ? -1 : 1);
  };
  const refresh = () => {
    const wanted = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean), fits = KINDS[kind.value];
    shown = table.filter((r, i) => fits(r) && wanted.every((w) => texts[i].includes(w)));
    if (key !== null) shown.sort(compare);
    document.getElementById("count").textContent = `${shown.length} of ${table.length}`;
    body.replaceChildren();
    done = 0;
    fill();
  };
  for (const th of document.querySelectorAll("#rows th[data-key]")) {
    const sort = () => {
      const k = /^\d+$/.test(th.dataset.key) ? Number(th.dataset.key) : th.dataset.key;
      down = key === k ? !down : th.classList.contains("n");
      key = k;
      for (const other of document.querySelectorAll("#rows th")) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      refresh();
    };
    th.tabIndex = 0;
    th.addEventListener("click", sort);
    th.addEventListener("keydown", (e) => { if (e.key === "Enter") sort(); });
  }
  filter.addEventListener("input", refresh);
  kind.addEventListener("change", refresh);
  for (const moved of ["scroll", "resize"]) {
    window.addEventListener(moved, () => {
      if (done < shown.length && more.getBoundingClientRect().top < window.innerHeight + 1500) fill();
    }, {passive: true});
  }
  refresh();

  const byId = new Map(table.map((r) => [r[0], r]));
  document.querySelector("#worst tbody").append(...worst.map((id) => {
    const r = byId.get(id), tr = document.createElement("tr"), name = element("td", id, "id");
    name.append(player(id));
    tr.append(name, number(`${errors(r)} of ${r[6]}`, "errors"), aligned(r));
    return tr;
  }));
})();
