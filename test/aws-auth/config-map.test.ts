import { describe, expect, it } from "vitest";
import { readConfigMap } from "../../src/aws-auth/config-map.ts";
import { locator } from "../../src/aws-auth/locate.ts";
import { writeConfigMap } from "../../src/aws-auth/write-config-map.ts";
import { fileOf, read } from "./config-map-files.ts";

describe("writeConfigMap", () => {
  it("leaves the file as it is where the data is", () => {
    const files = ["yaml", "second"].map(fileOf);

    const written = files.map((file) => writeConfigMap(file, file.data));

    expect(written).toEqual(files.map((file) => file.text));
  });

  it("leaves comments and other documents alone", () => {
    const file = fileOf("second");

    const written = writeConfigMap(file, { ...file.data, mapRoles: "three\n" });

    expect(written).toBe(file.text.replace("        one\n        two\n", "      three\n"));
  });

  it.each([
    ["a block", "a\n\n  b\n", "|\n      a\n\n        b\n"],
    ["a block without its last break", "a\nb", "|-\n      a\n      b\n"],
    ["a block with an empty line before the last", "a\n\nb", "|-\n      a\n\n      b\n"],
    ["a block of letters", "é‧\n", "|\n      é‧\n"],
    ["quotes for one line", "a", '"a"\n'],
    ["quotes for nothing", "", '""\n'],
    ["quotes for a blank start", " a\nb\n", '" a\\nb\\n"\n'],
    ["quotes for a tab at the start", "\ta\nb\n", '"\\ta\\nb\\n"\n'],
    ["quotes for an empty first line", "\na\n", '"\\na\\n"\n'],
    ["quotes for an empty last line", "a\n\n", '"a\\n\\n"\n'],
    ["quotes for what breaks a line elsewhere", "a\u0085b\n", '"a\\u0085b\\n"\n'],
    ["quotes for a carriage return", "a\r\nb\n", '"a\\r\\nb\\n"\n'],
    ["quotes for what nobody sees", "a\u0007\n", '"a\\u0007\\n"\n'],
  ])("writes %s", (_what, value, written) => {
    const file = fileOf("yaml");

    const text = writeConfigMap(file, { ...file.data, mapRoles: value });

    expect(text).toBe(file.text.replace("|\n        one\n        two\n", written));
    expect(read(text).data.mapRoles).toBe(value);
  });

  it.each([
    ["a folded text", ">-\n    one\n    two\n"],
    ["a quoted text", "'one'\n"],
    ["an empty text", "\n"],
    ["a text with an anchor", "&x one\n"],
  ])("takes the place of %s", (_what, written) => {
    const file = read(
      `kind: ConfigMap\ndata:\n  mapRoles: ${written}  notes: x\n`.replace("mapRoles: \n", "mapRoles:\n"),
    );

    const text = writeConfigMap(file, { mapRoles: "three\n", notes: "x" });

    expect(text).toBe("kind: ConfigMap\ndata:\n  mapRoles: |\n    three\n  notes: x\n");
  });

  it("writes the data anew where it can't be edited, and keeps all else that the object says", () => {
    const long = "x ".repeat(100).trim();
    const flow = read(
      `kind: ConfigMap\nmetadata: {name: aws-auth, annotations: {note: ${long}}}\ndata: {mapRoles: one}\n`,
    );

    const some = writeConfigMap(flow, { mapRoles: "two\n" });
    const none = writeConfigMap(flow, {});

    expect(some).toContain(`note: ${long}\ndata:\n  mapRoles: |\n    two\n`);
    expect(none).toMatch(/\ndata: \{\}\n$/);
  });

  it("writes a ConfigMap for bare data in YAML, with all its keys", () => {
    const text = writeConfigMap(fileOf("bare"), { mapRoles: "two\n", mapUsers: "three\n" });

    expect(text).toBe(
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: |\n    two\n  mapUsers: |\n    three\n",
    );
  });

  it("writes JSON for JSON, whatever white space is around it", () => {
    const file = read('\n  {"kind": "ConfigMap", "data": {"mapRoles": "one"}}\n');

    const text = writeConfigMap(file, { mapRoles: "two" });

    expect(JSON.parse(text)).toEqual({ kind: "ConfigMap", data: { mapRoles: "two" } });
    expect(text).toMatch(/^\{\n {2}"kind"/);
  });

  it("keeps the keys where they stand, whatever order they are wanted in", () => {
    const file = fileOf("yaml");

    const text = writeConfigMap(file, { notes: "y", mapRoles: "one\ntwo\n", added: "z" });

    expect(text).toBe(file.text.replace('notes: "x"\n', 'notes: "y"\n    added: "z"\n'));
  });

  it.each([
    [
      "another value leans on the one that changes",
      "  mapRoles: &r one\n  notes: *r\n",
      { mapRoles: "two\n", notes: "one" },
    ],
    ["a key that goes is given twice", "  a: one\n  a: two\n  mapRoles: x\n", { mapRoles: "x" }],
    ["a value is no text", "  mapRoles:\n    - a\n  notes: x\n", { mapRoles: "one\n", notes: "x" }],
  ])("writes the data anew where %s", (_what, data, wanted) => {
    const text = writeConfigMap(read(`# ours\nkind: ConfigMap\ndata:\n${data}`), wanted);

    expect(text).toMatch(/^kind: ConfigMap\ndata:\n/);
    expect(read(text).data).toEqual(wanted);
  });

  it("keeps lists and numbers of the object when it is written anew", () => {
    const flow = read("kind: ConfigMap\nmetadata: {generation: 12, finalizers: [a, b]}\ndata: {mapRoles: one}\n");

    expect(writeConfigMap(flow, {})).toBe(
      "kind: ConfigMap\nmetadata:\n  generation: 12\n  finalizers:\n    - a\n    - b\ndata: {}\n",
    );
  });

  it("adds data to a ConfigMap that has none", () => {
    const text = writeConfigMap(read("kind: ConfigMap\nmetadata:\n  name: aws-auth\n"), { mapRoles: "one\n" });

    expect(read(text).data).toEqual({ mapRoles: "one\n" });
  });
});

describe("readConfigMap", () => {
  it("takes the one named aws-auth of several, and else the first", () => {
    const named = read(
      "kind: ConfigMap\ndata: {a: x}\n---\nkind: ConfigMap\nmetadata: {name: aws-auth}\ndata: {a: z}\n",
    );
    const unnamed = read("kind: Service\n---\nkind: ConfigMap\ndata: {a: x}\n---\nkind: ConfigMap\ndata: {a: z}\n");

    expect([named.data, unnamed.data]).toEqual([{ a: "z" }, { a: "x" }]);
    expect([named.line, unnamed.line]).toEqual([2, 1]);
  });

  it("takes the one named aws-auth of a List, in YAML and in JSON", () => {
    const item = (name: string) => ({ kind: "ConfigMap", metadata: { name }, data: { a: name } });
    const list = { kind: "List", items: [item("other"), 12, item("aws-auth")] };
    const yaml = "kind: List\nitems:\n- kind: ConfigMap\n  metadata: {name: aws-auth}\n  data: {a: aws-auth}\n";

    expect([read(JSON.stringify(list)).data, read(yaml).data]).toEqual([{ a: "aws-auth" }, { a: "aws-auth" }]);
    expect(readConfigMap(JSON.stringify({ kind: "List", items: [item("other")] })).type).toBe("unusable");
    expect(readConfigMap("kind: List\nitems: [{kind: ConfigMap, metadata: {name: other}}]\n").type).toBe("unusable");
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
    expect(readConfigMap('{"kind": "List", "items": [{"kind": "ConfigMap", "data": {"a": "\\/"}}]}').type).toBe(
      "unusable",
    );
    expect(readConfigMap('{"kind": "ConfigMap", "data": {"a": "\\/"}}')).toMatchObject({ type: "file" });
    expect(readConfigMap('{"kind": "ConfigMap", "data": "\\/"}')).toMatchObject({ type: "file", file: { data: {} } });
  });

  it("passes over documents that hold nothing, and over data that is none", () => {
    const file = read("# ours\n---\nkind: ConfigMap\ndata: [a]\n");
    const list = read(
      "kind: List\nitems: [{metadata: {}}, {metadata: {name: aws-auth}, kind: ConfigMap, data: {a: x}}]\n",
    );

    expect(file).toMatchObject({ data: {}, dataMap: null, line: 1 });
    expect(list.data).toEqual({ a: "x" });
  });

  it("takes null for an empty text, and tells of what is no text", () => {
    const yaml = read("kind: ConfigMap\ndata:\n  a:\n  b: 12\n  c: x\n");
    const json = read('{"kind": "ConfigMap", "data": {"a": null, "b": 12, "c": "x"}}');

    expect(yaml).toMatchObject({ data: { a: "", c: "x" }, notText: [{ key: "b", line: 4, column: 3 }] });
    expect([yaml.data, json.data]).toEqual([{ a: "", c: "x" }, { c: "x" }]);
    expect([...yaml.nodes.keys()]).toEqual(["a", "b", "c"]);
    expect(json).toMatchObject({ notText: [{ key: "b", line: 1, column: 1 }] });
  });

  it("knows no place for a value that is no scalar", () => {
    const file = read("kind: ConfigMap\ndata:\n  mapRoles:\n  - a\n  b: x\n");

    expect([...file.nodes.keys()]).toEqual(["b"]);
    expect(file.form).toBe("config-map");
    expect(read("mapRoles: x\n").form).toBe("bare");
  });

  it.each([
    ["nothing", "", "There is no ConfigMap in it."],
    ["text", "hello", "There is no ConfigMap in it."],
    ["null", "null", "There is no ConfigMap in it."],
    ["other data", "a: b\n", "There is no ConfigMap in it."],
    ["JSON of another kind", '{"kind": "Secret", "data": {}}', "There is no ConfigMap in it."],
    ["broken YAML", "a: b\n---\nc: [\n", "It is not YAML: did not find expected node content in line 4."],
  ])("finds none in %s", (_what, text, message) => {
    expect(readConfigMap(text)).toEqual({ type: "unusable", message });
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

  it("points at the start of a text whose lines are not those of the file", () => {
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
