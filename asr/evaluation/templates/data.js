"use strict";
(() => {
  // a row: 0 id, 1 manifest, 2 speaker, 3 seconds, 4 characters a second, 5 level, 6 signal-to-noise ratio, 7 clipped,
  // 8 pause, 9 gap, 10 notes, 11 text, 12 address of the sound
  const {read, element, number, player, show} = page;
  const table = read("table"), {names, asked} = read("listed");
  const LABELS = ["s", "characters/s", "level", "SNR", "clipped %", "pause"];
  const line = (r) => {
    const tr = document.createElement("tr"), id = element("td", r[0], "id"), text = element("td", null, "text");
    id.append(player(r[12] ?? undefined));
    text.append(...r[10].flatMap((note) => [element("span", note, "note"), " "]), r[11]);
    tr.append(id, element("td", names[r[1]]), element("td", r[2]), ...LABELS.map((l, i) => number(r[3 + i], l)));
    if (asked) tr.append(r[9] === null ? element("td", "", "n") : number(r[9], "gap"));
    tr.append(text);
    return tr;
  };
  show({
    table, line,
    value: (r, key) => r[key],
    words: (r) => [r[0], r[2], ...r[10], r[11]],
    kinds: (kind) => (kind === "" ? () => true
      : kind === "any" ? (r) => r[10].length > 0 : (r) => r[10].includes(kind.slice(1))),
  });
})();
