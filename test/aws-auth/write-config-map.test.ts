import { describe, expect, it } from "vitest";
import { writeConfigMap } from "../../src/aws-auth/config-map.ts";
import { fileOf, read } from "./config-map-files.ts";

describe("writeConfigMap", () => {
  it("leaves the file as it is where the data is", async () => {
    const files = ["yaml", "second"].map(fileOf);

    const written = await Promise.all(files.map((file) => writeConfigMap(file, file.data)));

    expect(written).toEqual(files.map((file) => file.text));
  });

  it("leaves comments and other documents alone", async () => {
    const file = fileOf("second");

    const written = await writeConfigMap(file, { ...file.data, mapRoles: "three\n" });

    expect(written).toBe(file.text.replace("        one\n        two\n", "      three\n"));
  });

  it("keeps a key of any name in flow style, which is written anew", async () => {
    const file = read("kind: ConfigMap\nmetadata: {name: aws-auth}\ndata: {mapRoles: one, __proto__: kept}\n");

    const written = read(await writeConfigMap(file, { ...file.data, mapRoles: "two\n" }));

    expect(Object.entries(written.data)).toEqual([
      ["mapRoles", "two\n"],
      ["__proto__", "kept"],
    ]);
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
  ])("writes %s", async (_what, value, written) => {
    const file = fileOf("yaml");

    const text = await writeConfigMap(file, { ...file.data, mapRoles: value });

    expect(text).toBe(file.text.replace("|\n        one\n        two\n", written));
    expect(read(text).data.mapRoles).toBe(value);
  });

  it.each([
    ["a folded text", ">-\n    one\n    two\n"],
    ["a quoted text", "'one'\n"],
    ["an empty text", "\n"],
    ["a text with an anchor", "&x one\n"],
  ])("takes the place of %s", async (_what, written) => {
    const file = read(
      `kind: ConfigMap\ndata:\n  mapRoles: ${written}  notes: x\n`.replace("mapRoles: \n", "mapRoles:\n"),
    );

    const text = await writeConfigMap(file, { mapRoles: "three\n", notes: "x" });

    expect(text).toBe("kind: ConfigMap\ndata:\n  mapRoles: |\n    three\n  notes: x\n");
  });

  it("writes the data from its values if it can't be edited, and keeps the rest of the object", async () => {
    const long = "x ".repeat(100).trim();
    const flow = read(
      `kind: ConfigMap\nmetadata: {name: aws-auth, annotations: {note: ${long}}}\ndata: {mapRoles: one}\n`,
    );

    const some = await writeConfigMap(flow, { mapRoles: "two\n" });
    const none = await writeConfigMap(flow, {});

    expect(some).toContain(`note: ${long}\ndata:\n  mapRoles: |\n    two\n`);
    expect(none).toMatch(/\ndata: \{\}\n$/);
  });

  it("writes a ConfigMap for bare data in YAML, with all its keys", async () => {
    const text = await writeConfigMap(fileOf("bare"), { mapRoles: "two\n", mapUsers: "three\n" });

    expect(text).toBe(
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: |\n    two\n  mapUsers: |\n    three\n",
    );
  });

  it("writes JSON for JSON, whatever white space is around it", async () => {
    const file = read('\n  {"kind": "ConfigMap", "data": {"mapRoles": "one"}}\n');

    const text = await writeConfigMap(file, { mapRoles: "two" });

    expect(JSON.parse(text)).toEqual({ kind: "ConfigMap", data: { mapRoles: "two" } });
    expect(text).toMatch(/^\{\n {2}"kind"/);
  });

  it("keeps the keys in their places, whatever the wanted order", async () => {
    const file = fileOf("yaml");

    const text = await writeConfigMap(file, { notes: "y", mapRoles: "one\ntwo\n", added: "z" });

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
  ])("writes the data anew where %s", async (_what, data, wanted) => {
    const text = await writeConfigMap(read(`# ours\nkind: ConfigMap\ndata:\n${data}`), wanted);

    expect(text).toMatch(/^kind: ConfigMap\ndata:\n/);
    expect(read(text).data).toEqual(wanted);
  });

  it("keeps lists and numbers of the object when it writes from values", async () => {
    const flow = read("kind: ConfigMap\nmetadata: {generation: 12, finalizers: [a, b]}\ndata: {mapRoles: one}\n");

    expect(await writeConfigMap(flow, {})).toBe(
      "kind: ConfigMap\nmetadata:\n  generation: 12\n  finalizers:\n    - a\n    - b\ndata: {}\n",
    );
  });

  it("adds data to a ConfigMap that has none", async () => {
    const text = await writeConfigMap(read("kind: ConfigMap\nmetadata:\n  name: aws-auth\n"), { mapRoles: "one\n" });

    expect(read(text).data).toEqual({ mapRoles: "one\n" });
  });
});
