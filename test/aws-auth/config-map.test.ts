import { describe, expect, it } from "vitest";
import { locator } from "../../src/aws-auth/check-file.ts";
import { readConfigMapFile, splitDocuments } from "../../src/aws-auth/config-map.ts";
import { writeConfigMap } from "../../src/aws-auth/write-config-map.ts";
import { read } from "./config-map-files.ts";

describe("readConfigMap", () => {
  it("takes the one named aws-auth of several, and else the first", () => {
    const named = read(
      "kind: ConfigMap\ndata: {a: x}\n---\nkind: ConfigMap\nmetadata: {name: aws-auth}\ndata: {a: z}\n",
    );
    const unnamed = read("kind: Service\n---\nkind: ConfigMap\ndata: {a: x}\n---\nkind: ConfigMap\ndata: {a: z}\n");

    expect([named.data, unnamed.data]).toEqual([{ a: "z" }, { a: "x" }]);
    expect([named.line, unnamed.line]).toEqual([2, 1]);
  });

  it("does not cut at --- before a byte order mark, which is no space to kubectl", () => {
    const file = read("kind: ConfigMap\ndata: {a: x}\n---\ufeffkind: Secret\nkind: ConfigMap\ndata: {a: z}\n");

    expect(file.data).toEqual({ a: "z" });
  });

  it("cuts at --- before what kubectl alone takes for white space", () => {
    const file = read(
      "kind: ConfigMap\ndata: {a: x}\n---\u00a0\nkind: ConfigMap\nmetadata: {name: aws-auth}\ndata: {a: z}\n",
    );

    expect(file.data).toEqual({ a: "z" });
    expect(writeConfigMap(file, { a: "y" })).toBe(file.text.replace("{a: z}", '{a: "y"}'));
  });

  it("refuses a file that has aws-auth twice, because kubectl would apply both and the last one would stay", () => {
    const one = "kind: ConfigMap\nmetadata: {name: aws-auth}\ndata: {a: z}\n";
    const elsewhere = one.replace("{name: aws-auth}", "{name: aws-auth, namespace: backup}");

    expect(readConfigMapFile(`${one}---\n${one}`)).toEqual({
      type: "unusable",
      message: "It has aws-auth, first in line 1, twice, and kubectl ignores this one. Keep one.",
    });
    expect(readConfigMapFile(`${one}---\n${elsewhere}`).type).toBe("file");
  });

  it("takes the one named aws-auth of a List, in YAML and in JSON", () => {
    const item = (name: string) => ({ kind: "ConfigMap", metadata: { name }, data: { a: name } });
    const list = { kind: "List", items: [item("other"), 12, item("aws-auth")] };
    const yaml = "kind: List\nitems:\n- kind: ConfigMap\n  metadata: {name: aws-auth}\n  data: {a: aws-auth}\n";

    expect([read(JSON.stringify(list)).data, read(yaml).data]).toEqual([{ a: "aws-auth" }, { a: "aws-auth" }]);
    expect(readConfigMapFile(JSON.stringify({ kind: "List", items: [item("other")] })).type).toBe("unusable");
    expect(readConfigMapFile("kind: List\nitems: [{kind: ConfigMap, metadata: {name: other}}]\n").type).toBe(
      "unusable",
    );
  });

  it("reads JSON by JSON's own escapes: bare, in a List, and as itself", () => {
    const object = { kind: "ConfigMap", metadata: { name: "aws-auth" }, data: { mapUsers: "a" } };
    const slashed = (value: unknown) => JSON.stringify(value).replace('"a"', '"\\/"');

    const files = [object, object.data, { kind: "List", items: [12, { kind: "ConfigMap" }, object] }].map((value) =>
      read(slashed(value)),
    );

    expect(files.map((file) => [file.form, file.data])).toEqual([
      ["config-map", { mapUsers: "/" }],
      ["bare", { mapUsers: "/" }],
      ["config-map", { mapUsers: "/" }],
    ]);
    expect(readConfigMapFile('{"kind": "List", "items": [{"kind": "ConfigMap", "data": {"a": "\\/"}}]}').type).toBe(
      "unusable",
    );
    expect(readConfigMapFile('{"kind": "ConfigMap", "data": {"a": "\\/"}}')).toMatchObject({ type: "file" });
  });

  it.each([
    ["data: [a]", 3],
    ["data: text", 3],
    ['{"kind": "ConfigMap",\n"data": "text"}', 2],
  ])("refuses %s, as the API server would", (line, at) => {
    const message = `data in line ${at} has no keys. Write mapRoles: | or mapUsers: | above its lines.`;

    const text = line.startsWith("{") ? line : `kind: ConfigMap\nmetadata: {name: aws-auth}\n${line}\n`;

    expect(readConfigMapFile(text)).toEqual({ type: "unusable", message });
  });

  it("passes over documents that hold nothing, and over absent data", () => {
    const file = read("# ours\n---\nkind: ConfigMap\ndata:\n");
    const list = read(
      "kind: List\nitems: [{metadata: {}}, {metadata: {name: aws-auth}, kind: ConfigMap, data: {a: x}}]\n",
    );

    expect(file).toMatchObject({ data: {}, dataMap: null, line: 1 });
    expect(list.data).toEqual({ a: "x" });
  });

  it.each(["yaml", "json"])("takes the one in kube-system, and not a copy of it elsewhere: %s", (form) => {
    const items = ["backup", "kube-system"].map((namespace) => ({
      kind: "ConfigMap",
      metadata: { name: "aws-auth", namespace },
      data: { mapRoles: namespace },
    }));
    const text = JSON.stringify({ kind: "List", items });

    expect(read(form === "json" ? text : `# a list\n${text}`).data).toEqual({ mapRoles: "kube-system" });
    expect(read(items.map((each) => `# one\n${JSON.stringify(each)}`).join("\n---\n")).data).toEqual({
      mapRoles: "kube-system",
    });
  });

  it("says of a file that is too large that it stops, and not that kubectl can't read it", () => {
    const nested = readConfigMapFile(`a: ${"[".repeat(600)}`);
    const long = readConfigMapFile(`kind: ConfigMap\ndata:\n  notes: |\n    ${"x".repeat(5 * 1024 * 1024)}\n`);

    expect([nested, long]).toMatchObject([
      { message: "line 1 is nested deeper than 500 levels here, so eks-access stops reading." },
      { message: "line 3 comes to more than 4 MiB of text here, so eks-access stops reading." },
    ]);
    expect(readConfigMapFile(" ".repeat(16 * 1024 * 1024 + 1))).toMatchObject({ message: "It is too large." });
  });

  it("reads null as an empty text, and reports values that are not text", () => {
    const yaml = read("kind: ConfigMap\ndata:\n  a:\n  b: 12\n  c: x\n");
    const json = read('{"kind": "ConfigMap", "data": {"a": null, "b": 12, "c": "x"}}');

    expect(yaml).toMatchObject({ data: { a: "", c: "x" }, notText: [{ key: "b", line: 4, column: 3 }] });
    expect([yaml.data, json.data]).toEqual([{ a: "", c: "x" }, { c: "x" }]);
    expect([...yaml.nodes.keys()]).toEqual(["a", "b", "c"]);
    expect(json).toMatchObject({ notText: [{ key: "b", line: 1, column: 1 }] });
  });

  it("holds numbers as JSON does", () => {
    const { object } = read("kind: ConfigMap\nmetadata: {generation: 12, weight: 0.5}\n");

    expect(object.metadata).toEqual({ generation: 12, weight: 0.5 });
  });

  it("knows no place for a value that is no scalar", () => {
    const file = read("kind: ConfigMap\ndata:\n  mapRoles:\n  - a\n  b: x\n");

    expect([...file.nodes.keys()]).toEqual(["b"]);
    expect(file.form).toBe("config-map");
    expect(read("mapRoles: x\n").form).toBe("bare");
  });

  it.each([
    ["nothing", "", "It contains no ConfigMap."],
    ["text", "hello", "It contains no ConfigMap."],
    ["null", "null", "It contains no ConfigMap."],
    ["other data", "a: b\n", "It contains no ConfigMap."],
    ["JSON of another kind", '{"kind": "Secret", "data": {}}', "It contains no ConfigMap."],
    ["broken YAML", "a: b\n---\nc: [\n", "kubectl can't read it: did not find expected node content in line 4."],
    [
      "a number that JSON lacks",
      "kind: ConfigMap\nx: .inf\n",
      "kubectl can't read it: JSON can't hold this number in line 2.",
    ],
    [
      "a key that JSON lacks",
      "kind: ConfigMap\ndata: {~: x}\n",
      "kubectl can't read it: JSON can't hold this key in line 2.",
    ],
    [
      "what kubectl takes for a part of another document",
      "kind: Secret\n...\n--- # x\nkind: ConfigMap\n",
      "It contains no ConfigMap. kubectl needs --- alone on a line.",
    ],
    ...["} x", "}\n{}", "},"].map((end) => [
      `JSON that goes on after its object, as ${JSON.stringify(end)}`,
      `\n{"kind": "ConfigMap", "data": {}${end}`,
      `line ${end.includes("\n") ? 3 : 2} has text after the object here, so eks-access stops reading.`,
    ]),
  ])("finds none in %s", (_what, text, message) => {
    expect(readConfigMapFile(text)).toEqual({ type: "unusable", message });
  });
});

describe("locator", () => {
  it("finds each line of a literal block in the file", () => {
    const file = read("kind: ConfigMap\ndata:\n  mapRoles: |\n    one\n\n      two\n  mapUsers: |2\n      three\n");
    const locate = locator(file);

    const places = [
      locate("mapRoles", 1, 1),
      locate("mapRoles", 3, 3),
      locate("mapRoles", 2, 1),
      locate("mapUsers", 1, 3),
    ];

    expect(locate("mapRoles", null, null)).toEqual({ line: 3, column: 13 });
    expect(places).toEqual([
      { line: 4, column: 5 },
      { line: 6, column: 7 },
      { line: 5, column: 1 },
      { line: 8, column: 7 },
    ]);
  });

  it("points at the start of a text with other lines than the file", () => {
    const file = read("kind: ConfigMap\ndata:\n  mapRoles: >\n    one\n    two\n  mapUsers: 'x'\n");
    const locate = locator(file);

    expect(locate("mapRoles", 2, 3)).toEqual({ line: 3, column: 13 });
    expect(locate("mapUsers", null, null)).toEqual({ line: 6, column: 13 });
  });

  it("points at the key in JSON that only JSON can read, and at the top where there is none", () => {
    const file = read('{\n  "kind": "ConfigMap",\n  "data": {\n    "mapRoles": "\\/"\n  }\n}\n');
    const locate = locator(file);

    expect(locate("mapRoles", 1, 1)).toEqual({ line: 4, column: 6 });
    expect(locator(read('{"data": {}, "kind": "ConfigMap", "mapRoles": "\\/"}'))("mapRoles", 1, 1)).toEqual({
      line: 1,
      column: 36,
    });
    expect(locate("mapUsers", 1, 1)).toEqual({ line: 1, column: 1 });
  });
});

it.each([
  ["", [[0, 0, ""]]],
  ["a\n", [[0, 0, "a\n"]]],
  [
    "a\n---\nb\n",
    [
      [0, 0, "a\n"],
      [2, 1, "---\nb\n"],
    ],
  ],
  [
    "---\na\n--- b\n---",
    [
      [0, 0, "---\na\n--- b\n"],
      [12, 3, "---"],
    ],
  ],
  [
    "a\r\n---\r\nb",
    [
      [0, 0, "a\r\n"],
      [3, 1, "---\r\nb"],
    ],
  ],
  ["a\r---\rb\u2028---\n", [[0, 0, "a\r---\rb\u2028---\n"]]],
  ["a: |\n  ---\n  b\n----\n---x\n", [[0, 0, "a: |\n  ---\n  b\n----\n---x\n"]]],
])("%j is cut where --- is alone on a line", (text, expected) => {
  expect(splitDocuments(text).map((part) => [part.offset, part.line, part.text])).toEqual(expected);
});
