"use strict";
// What the pages' long tables share: rows come into the page as somebody scrolls, sorted by a click, filtered as typed.
const page = (() => {
  const STEP = 60; // rows put into the page at once; thousands of them would take seconds
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const element = (name, text, kind) => {
    const e = document.createElement(name);
    if (text !== undefined && text !== null) e.textContent = text;
    if (kind) e.className = kind;
    return e;
  };
  const number = (value, label) => {
    const cell = element("td", value, "n");
    cell.dataset.label = label;
    return cell;
  };
  const player = (address) => {
    if (address === undefined) return "";
    const e = document.createElement("audio");
    e.controls = true;
    e.preload = "none";
    e.src = address;
    return e;
  };
  // table: the rows. line(r): its <tr>. value(r, key): what is sorted by. words(r): what is searched. kinds: which rows
  // each choice of #kind shows. Uses #rows, #filter, #kind, #count and #more of the page, and puts #sort and #direction
  // into .tools for phones, where rows have no column heads to click.
  const show = ({table, line, value, words, kinds}) => {
    const body = document.querySelector("#rows tbody"), more = document.getElementById("more");
    const filter = document.getElementById("filter"), kind = document.getElementById("kind");
    const texts = table.map((r) => words(r).join(" ").toLowerCase());
    let shown = [], done = 0, key = null, down = false;
    const near = () => more.getBoundingClientRect().top < window.innerHeight + 1500; // as far as one scroll may go
    const fill = () => {
      do {
        body.append(...shown.slice(done, done + STEP).map(line));
        done = Math.min(shown.length, done + STEP);
      } while (done < shown.length && near());
    };
    const compare = (a, b) => {
      const x = value(a, key), y = value(b, key);
      if (x === y) return 0;
      if (x === null) return 1;
      if (y === null) return -1;
      return (x < y ? -1 : 1) * (down ? -1 : 1);
    };
    const refresh = () => {
      const wanted = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean), fits = kinds(kind.value);
      shown = table.filter((r, i) => fits(r) && wanted.every((w) => texts[i].includes(w)));
      if (key !== null) shown.sort(compare);
      document.getElementById("count").textContent = `${shown.length} of ${table.length}`;
      body.replaceChildren();
      done = 0;
      fill();
    };
    const heads = [...document.querySelectorAll("#rows th[data-key]")];
    const choice = element("select", null, "phone"), turn = element("button", null, "phone");
    const order = (th, falling) => {
      key = /^\d+$/.test(th.dataset.key) ? Number(th.dataset.key) : th.dataset.key;
      down = falling;
      for (const other of heads) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      choice.value = th.dataset.key;
      turn.disabled = false;
      turn.textContent = down ? "↓" : "↑";
      turn.setAttribute("aria-label", `${down ? "descending" : "ascending"}; turn round`);
      refresh();
    };
    const first = (th) => th.classList.contains("n"); // numbers begin with the largest
    const head = (name) => heads.find((th) => th.dataset.key === name);
    choice.id = "sort";
    choice.setAttribute("aria-label", "sort by");
    choice.append(new Option("sort by …", ""), ...heads.map((th) => new Option(th.textContent, th.dataset.key)));
    choice.options[0].disabled = true;
    choice.addEventListener("change", () => order(head(choice.value), first(head(choice.value))));
    turn.id = "direction";
    turn.textContent = "↓";
    turn.setAttribute("aria-label", "turn the order round");
    turn.disabled = true;
    turn.addEventListener("click", () => order(head(choice.value), !down));
    document.getElementById("count").before(choice, turn);
    for (const th of heads) {
      const sort = () => order(th, choice.value === th.dataset.key ? !down : first(th));
      th.tabIndex = 0;
      th.addEventListener("click", sort);
      th.addEventListener("keydown", (e) => { if (e.key === "Enter") sort(); });
    }
    filter.addEventListener("input", refresh);
    kind.addEventListener("change", refresh);
    for (const moved of ["scroll", "resize"]) {
      window.addEventListener(moved, () => { if (done < shown.length && near()) fill(); }, {passive: true});
    }
    refresh();
  };
  return {read, element, number, player, show};
})();
