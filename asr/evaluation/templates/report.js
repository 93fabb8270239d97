"use strict";
(() => {
  // a row: 0 id, 1 speaker, 2 seconds, 3 S, 4 D, 5 I, 6 words, 7 character errors, 8 confidence, 9 alignment
  const {read, element, number, player, show} = page;
  const table = read("table"), audio = new Map(Object.entries(read("audio"))), {worst, rated} = read("listed");
  const errors = (r) => r[3] + r[4] + r[5];
  const rate = (r) => (r[6] ? errors(r) / r[6] : errors(r) ? Infinity : 0);
  const aligned = (r) => {
    const cell = element("td", null, "text"); // each part isolated: no sign in one turns its neighbours round
    cell.dir = "auto";
    for (const part of r[9]) {
      if (typeof part === "string") cell.append(element("span", part), " ");
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
  const line = (r) => {
    const tr = document.createElement("tr"), id = element("td", r[0], "id");
    id.append(player(audio.get(r[0])));
    const wer = rate(r);
    tr.append(id, element("td", r[1]), number(r[2], "s"), number(r[6], "words"), number(errors(r), "errors"),
      number(wer === Infinity ? "–" : (100 * wer).toFixed(1), "WER %"));
    if (rated) tr.append(number(r[8] === null ? "" : r[8].toFixed(3), "confidence"));
    tr.append(aligned(r));
    return tr;
  };
  const KINDS = {"": () => true, wrong: (r) => errors(r) > 0, right: (r) => errors(r) === 0,
    s: (r) => r[3] > 0, d: (r) => r[4] > 0, i: (r) => r[5] > 0};
  show({
    table, line,
    value: (r, key) => (key === "errors" ? errors(r) : key === "wer" ? rate(r) : r[key]),
    words: (r) => [r[0], r[1], ...r[9].flat()],
    kinds: (kind) => KINDS[kind],
  });

  const byId = new Map(table.map((r) => [r[0], r]));
  document.querySelector("#worst tbody").append(...worst.map(([id, surest]) => {
    const r = byId.get(id), tr = document.createElement("tr"), name = element("td", id, "id");
    name.append(player(audio.get(id)));
    tr.append(name);
    if (rated) tr.append(surest ? number(surest[0].toFixed(3), "surest") : element("td", "", "n"));
    tr.append(number(`${errors(r)} of ${r[6]}`, "errors"), aligned(r));
    return tr;
  }));
})();
