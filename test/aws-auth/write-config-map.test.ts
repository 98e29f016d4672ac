import { describe, expect, it } from "vitest";
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

    expect(written).toBe(file.text.replace("        one\n        two\n", "        three\n"));
  });

  it.each([
    ["a literal block", "|-", "three\n", "|"],
    ["a folded block", ">", "three\n", "|"],
    ["a block that becomes a text in quotes", "|", "three", '"three"'],
  ])("leaves the comment behind the mark of %s alone", (_what, mark, value, after) => {
    const head = "kind: ConfigMap\nmetadata: {name: aws-auth}\ndata:\n  mapRoles:";

    const written = writeConfigMap(read(`${head} ${mark} # ours\n    one\n`), { mapRoles: value });

    expect(written).toBe(`${head} ${after} # ours\n${value.endsWith("\n") ? "    three\n" : ""}`);
  });

  it("writes nothing if the last text of a file without data would get a line break", () => {
    const file = read("kind: ConfigMap\nmetadata:\n  name: aws-auth\n  annotations:\n    note: |\n      ours");

    expect(writeConfigMap(file, { mapRoles: "one\n" })).toBeNull();
  });

  it("keeps a key of any name in flow style", () => {
    const file = read("kind: ConfigMap\nmetadata: {name: aws-auth}\ndata: {mapRoles: one, __proto__: kept}\n");

    const written = read(writeConfigMap(file, { ...file.data, mapRoles: "two\n" }));

    expect(Object.entries(written.data)).toEqual([
      ["mapRoles", "two\n"],
      ["__proto__", "kept"],
    ]);
  });

  it.each([
    ["a block", "a\n\n  b\n", "|\n        a\n\n          b\n"],
    ["a block without its last break", "a\nb", "|-\n        a\n        b\n"],
    ["a block with an empty line before the last", "a\n\nb", "|-\n        a\n\n        b\n"],
    ["a block of letters", "é‧\n", "|\n        é‧\n"],
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

  it("writes a ConfigMap for bare data in YAML, with all its keys", () => {
    const text = writeConfigMap(fileOf("bare"), { mapRoles: "two\n", mapUsers: "three\n" });

    expect(text).toBe(
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: |\n    two\n  mapUsers: |\n    three\n",
    );
  });

  it("writes JSON for JSON, whatever white space is around it", () => {
    const file = read('\n  {"kind": "ConfigMap", "data": {"mapRoles": "one"}}\n');

    const text = writeConfigMap(file, { mapRoles: "two" });

    expect(JSON.parse(text ?? "")).toEqual({ kind: "ConfigMap", data: { mapRoles: "two" } });
    expect(text).toMatch(/^\{\n {2}"kind"/);
  });

  it("keeps the keys in their places, whatever the wanted order", () => {
    const file = fileOf("yaml");

    const text = writeConfigMap(file, { notes: "y", mapRoles: "one\ntwo\n", added: "z" });

    expect(text).toBe(file.text.replace('notes: "x"\n', 'notes: "y"\n    added: "z"\n'));
  });

  it.each([
    [
      "another value leans on the one that changes",
      "data:\n  mapRoles: &r one\n  notes: *r\n",
      { mapRoles: "two\n", notes: "one" },
    ],
    ["a key that goes is given twice", "data:\n  a: one\n  a: two\n  mapRoles: x\n", { mapRoles: "x" }],
    ["a value is no text", "data:\n  mapRoles:\n    - a\n  notes: x\n", { mapRoles: "one\n", notes: "x" }],
  ])("writes nothing where %s, as other text would be lost", (_what, data, wanted) => {
    expect(writeConfigMap(read(`# ours\nkind: ConfigMap\n${data}---\nkind: Secret\n`), wanted)).toBeNull();
  });

  it.each([
    ["bare data beside another document", "mapRoles: one\n---\nkind: Secret\n"],
    ["bare data with a key that is a number", "mapRoles: one\n123: x\n"],
  ])("writes nothing for %s", (_what, text) => {
    expect(writeConfigMap(read(text), { mapRoles: "two\n" })).toBeNull();
  });

  it("keeps the other objects of a List in JSON, also one of the same name", () => {
    const item = (kind: string, data: object) => ({ kind, metadata: { name: "aws-auth" }, data });
    const list = (data: object) => ({ kind: "List", items: [item("Secret", {}), item("ConfigMap", data), 12] });

    const text = writeConfigMap(read(JSON.stringify(list({ mapRoles: "one" }))), { mapRoles: "two" });

    expect(JSON.parse(text ?? "")).toEqual(list({ mapRoles: "two" }));
  });

  it.each([
    ["none", "", "data:\n"],
    ["an empty value", "data: # people\n", "data: # people\n"],
    ["null", "data: null\n", "data:\n"],
    ["empty braces", "data: {}\n", "data:\n"],
  ])("writes into a ConfigMap with %s as its data, and keeps the rest of the file", (_what, data, written) => {
    const before = "# all\nkind: Secret\n---\nkind: ConfigMap # ours\nmetadata: {name: aws-auth}\n";
    const after = "---\nkind: Service\n";

    const text = writeConfigMap(read(`${before}${data}${after}`), { mapRoles: "one\n" });

    expect(text).toBe(`${before}${written}  mapRoles: |\n    one\n${after}`);
  });

  it.each([
    ['data:\n  mapRoles: "one" # all\n  b: x\n', "data:\n  mapRoles: | # all\n    two\n  b: x\n"],
    ["data:\n  mapRoles: # all\n  b: x\n", "data:\n  mapRoles: | # all\n    two\n  b: x\n"],
    ["data:\n  b: x\n  mapRoles: 'one' \t", "data:\n  b: x\n  mapRoles: | \t\n    two\n"],
    ["data: {} # all\nimmutable: false\n", "data: # all\n  mapRoles: |\n    two\nimmutable: false\n"],
    ['data: {mapRoles: "one # all"} \n', 'data: {mapRoles: "two\\n"} \n'],
    ["data: {mapRoles: one, 123: x} # all\n", 'data: {mapRoles: "two\\n", 123: x} # all\n'],
    ["data: {a: one, # all\n  true: x }\n", 'data: {a: one, # all\n  true: x, "mapRoles": "two\\n" }\n'],
    ['data:\n  mapRoles: "one"\n     # deep\n  b: x\n', 'data:\n  mapRoles: "two\\n"\n     # deep\n  b: x\n'],
    ["data: ~ # all\n", "data: # all\n  mapRoles: |\n    two\n"],
  ])("keeps what follows a value on its line: %j", (data, written) => {
    const file = read(`kind: ConfigMap\n${data}`);

    expect(writeConfigMap(file, { ...file.data, mapRoles: "two\n" })).toBe(`kind: ConfigMap\n${written}`);
  });

  it("changes, adds and removes keys within braces, also those of the whole object", () => {
    const file = read('{kind: ConfigMap, data: {a: "1", mapRoles: one, b: "2"}} # ours\n');

    const text = writeConfigMap(file, { mapRoles: "two\n", mapUsers: "x" });

    expect(text).toBe('{kind: ConfigMap, data: {mapRoles: "two\\n", "mapUsers": "x"}} # ours\n');
  });

  it.each(["%YAML 1.2\n---\n", "# people\n---\n"])("writes bare data below %j as alone", (head) => {
    const file = read(`${head}mapRoles: one\n`);

    expect(writeConfigMap(file, { mapRoles: "two\n" })).toContain("data:\n  mapRoles: |\n    two\n");
  });

  it("adds a key above a block that ends with the file, without a line break, and leaves that as it is", () => {
    const file = read("# ours\nkind: ConfigMap\ndata: # all\n  # first\n  mapRoles: |\n    one");

    const text = writeConfigMap(file, { mapRoles: "one", mapUsers: "two\n" });

    expect(text).toBe(file.text.replace("# all\n", "# all\n  mapUsers: |\n    two\n"));
  });

  it.each(["~", "true", "on", "12", "1e3", "2001-01-01", "-", "a b"])("puts the key %s in quotes", (key) => {
    const files = [`kind: ConfigMap\ndata: {"${key}": x}\n`, `mapRoles: one\n"${key}": x\n`].map(read);

    for (const file of files) {
      const wanted = { ...file.data, mapRoles: "two\n" };
      expect(read(writeConfigMap(file, wanted)).data).toEqual(wanted);
    }
  });

  it.each(["data: {}\n", 'data: {mapRoles: "one"}\n', ""])(
    "leaves a file with the wanted data as it is: %s",
    (data) => {
      const file = read(`# ours\nkind: ConfigMap\n${data}---\nkind: Service\n`);

      expect(writeConfigMap(file, file.data)).toBe(file.text);
    },
  );

  it("keeps the rest of a file that ends without a line break", () => {
    const text = "# ours\nkind: ConfigMap\ndata:\n  notes: x";

    expect(writeConfigMap(read(text), { notes: "x", mapRoles: "one\n" })).toBe(`${text}\n  mapRoles: |\n    one\n`);
  });
});
