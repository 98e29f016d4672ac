import fc from "fast-check";

/** Pieces of documents as people write them, and as they should not. */
export const account = "111122223333";

export interface GeneratedEntry {
  arn: string;
  username: string;
  groups: readonly string[];
}

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);

/** Principals are numbered, so that no two of a document are the same. */
export const entries = (kind: "role" | "user") =>
  fc
    .array(fc.record({ username: word, groups: fc.uniqueArray(word, { maxLength: 4 }) }), { maxLength: 6 })
    .map((list) =>
      list.map(
        (entry, index): GeneratedEntry => ({ ...entry, arn: `arn:aws:iam::${account}:${kind}/${kind}-${index}` }),
      ),
    );

const quoting = fc.constantFrom(
  (text: string) => JSON.stringify(text),
  (text: string) => `'${text}'`,
  (text: string) => `!!str ${text}`,
);

const layout = fc.record({
  indent: fc.constantFrom("", "  ", "    "),
  gap: fc.constantFrom(" ", "   "),
  groups: fc.constantFrom("flow", "block", "indentless"),
  order: fc.constantFrom([0, 1, 2], [2, 0, 1], [1, 2, 0]),
  spell: fc.constantFrom(
    (key: string) => key,
    (key: string) => key.toUpperCase(),
    (key: string) => `"${key}"`,
  ),
  quote: quoting,
  comment: fc.constantFrom("", " # note", '   # don\'t: "touch"'),
  between: fc.constantFrom("", "# about the next one", "\n# ---", "   # deep"),
  lineBreak: fc.constantFrom("\n", "\r\n"),
  end: fc.constantFrom("break", "none", "comment", "blank"),
});

type Layout = typeof layout extends fc.Arbitrary<infer T> ? T : never;

/** A section's text for some entries, in block style. */
export const blockText = (kind: "role" | "user", list: readonly GeneratedEntry[]) =>
  layout.map((style) => renderBlock(kind, list, style));

function renderBlock(kind: string, list: readonly GeneratedEntry[], style: Layout): string {
  const pad = `${style.indent} ${style.gap}`;
  const items = list.map((entry) => {
    const fields = [
      `${style.spell(`${kind}arn`)}: ${style.quote(entry.arn)}${style.comment}`,
      `${style.spell("username")}: ${style.quote(entry.username)}`,
      groupsField(entry.groups, pad, style),
    ];
    const ordered = style.order.map((index) => fields[index]);
    return `${style.indent}-${style.gap}${ordered.join(`\n${pad}`)}`;
  });
  const text = items.join(style.between === "" ? "\n" : `\n${style.between}\n`);
  const end = { break: "\n", none: "", comment: "\n# the end\n", blank: "\n\n  \n" }[style.end] ?? "";
  return (list.length === 0 ? "" : text + end).replaceAll("\n", style.lineBreak);
}

function groupsField(groups: readonly string[], pad: string, style: Layout): string {
  const key = style.spell("groups");
  if (style.groups === "flow") return `${key}: [${groups.map(style.quote).join(", ")}]`;
  const column = style.groups === "block" ? `${pad}  ` : pad;
  return [`${key}:`, ...groups.map((group) => `${column}- ${style.quote(group)}`)].join("\n");
}

/** A section's text for some entries, in flow style. */
export const flowText = (kind: "role" | "user", list: readonly GeneratedEntry[]) =>
  fc.constantFrom(", ", ",\n  ", ",").map((separator) => {
    const items = list.map(
      ({ arn, username, groups }) =>
        `{"${kind}arn": ${JSON.stringify(arn)}, "username": ${JSON.stringify(username)}, "groups": ${JSON.stringify(groups)}}`,
    );
    return `[${items.join(separator)}]`;
  });

export const sectionText = (kind: "role" | "user", list: readonly GeneratedEntry[]) =>
  fc.oneof({ weight: 4, arbitrary: blockText(kind, list) }, { weight: 1, arbitrary: flowText(kind, list) });

/** A document and the entries that are in it. */
export const documents = fc.tuple(entries("role"), entries("user")).chain(([roles, users]) =>
  fc.record({
    roles: fc.constant(roles),
    users: fc.constant(users),
    data: fc.record({ mapRoles: sectionText("role", roles), mapUsers: sectionText("user", users) }),
  }),
);

/** Texts without an entry, as a section can be before its first one. */
export const emptyTexts = fc.constantFrom(
  null,
  "",
  " ",
  "\n",
  "[]",
  "[ ]\n",
  "# nobody",
  "# nobody\r\n",
  '""',
  '""\u2028',
  "null\u0085",
  "''",
  "``",
  "null\n",
  "~",
  "---\n",
  "--- []\n",
  "\t\n",
);

/** Any text, often with characters that mean something in YAML. */
export const noise = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(..."\n\n\n   -:?[]{},&*!|>'\"%@`#~<=\\\t.0ay\r\u0085\ufeff") },
      {
        weight: 2,
        arbitrary: fc.constantFrom("- ", "rolearn: ", "groups:\n", "---\n", "<<: *a", "&a ", "!!str ", "|\n", "arn:"),
      },
      { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 3 }) },
    ),
    { maxLength: 60 },
  )
  .map((pieces) => pieces.join(""));
