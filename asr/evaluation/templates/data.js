"use strict";
(() => {
  // a row: 0 id, 1 manifest, 2 speaker, 3 seconds, 4 characters a second, 5 level, 6 signal-to-noise ratio, 7 clipped,
  // 8 offset, 9 silent share, 10 bandwidth, 11 gap, 12 notes, 13 text, 14 address of the sound
  const {read, element, number, player, show} = page;
  const table = read("table"), {names, asked} = read("listed");
  const LABELS = ["s", "chars/s", "level", "SNR", "clip %", "DC %", "silent %", "band"];
  const line = (r) => {
    const tr = document.createElement("tr"), id = element("td", r[0], "id"), text = element("td", null, "text");
    id.append(document.createElement("br"), element("small", names[r[1]]), player(r[14] ?? undefined));
    text.append(...r[12].flatMap((note) => [element("span", note, "note"), " "]), r[13]);
    tr.append(id, element("td", r[2]), ...LABELS.map((l, i) => number(r[3 + i], l)));
    if (asked) tr.append(r[11] === null ? element("td", "", "n") : number(r[11], "gap"));
    tr.append(text);
    return tr;
  };
  show({
    table, line,
    value: (r, key) => r[key],
    words: (r) => [r[0], names[r[1]], r[2], ...r[12], r[13]],
    kinds: (kind) => (kind === "" ? () => true
      : kind === "any" ? (r) => r[12].length > 0 : (r) => r[12].includes(kind.slice(1))),
  });
})();
