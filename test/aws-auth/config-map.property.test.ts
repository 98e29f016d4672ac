import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readConfigMap } from "../../src/aws-auth/config-map.ts";
import type { ConfigMapFile } from "../../src/aws-auth/config-map-file.ts";
import { locator } from "../../src/aws-auth/locate.ts";
import { writeConfigMap } from "../../src/aws-auth/write-config-map.ts";
import { noise } from "./generators.ts";

const values = fc.oneof(
  noise,
  noise.map((text) => `${text}\n`),
  fc.constantFrom("", "\n", "a\n\n", "  a\n", "a\nb", "\ta\n"),
);
const data = fc.dictionary(fc.constantFrom("mapRoles", "mapUsers", "mapAccounts", "notes"), values, { maxKeys: 4 });
const forms = fc.constantFrom("yaml", "json", "flow", "bare", "second");

function read(text: string): ConfigMapFile {
  const reading = readConfigMap(text);
  if (reading.type === "unusable") throw new Error(reading.message);
  return reading.file;
}

const head = "# ours\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth # of the cluster\n";

/** A file that holds two lines in mapRoles, in one of the forms that people have it in. */
function fileOf(form: string): ConfigMapFile {
  const yaml = `${head}data:\n    # first\n    mapRoles: |\n        one\n        two\n    notes: "x"\n`;
  switch (form) {
    case "json":
      return read('{"kind": "ConfigMap", "metadata": {"name": "aws-auth"}, "data": {"mapRoles": "one\\ntwo\\n"}}');
    case "flow":
      return read(`${head}data: {mapRoles: one}\n`);
    case "bare":
      return read("mapRoles: |\n  one\n  two\n");
    case "second":
      return read(`kind: Secret\n---\n${yaml}---\nkind: Service\n`);
    default:
      return read(yaml);
  }
}

describe("writeConfigMap", () => {
  it("writes what is read back, whatever the texts hold", () => {
    fc.assert(
      fc.property(forms, data, (form, wanted) => {
        const file = read(writeConfigMap(fileOf(form), wanted));

        expect(file.form).toBe("config-map");
        expect(file.data).toEqual(wanted);
        expect(file.object.metadata).toMatchObject({ name: "aws-auth" });
      }),
      { numRuns: 3000 },
    );
  });

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
    expect(locate("mapUsers", 1, 1)).toEqual({ line: 1, column: 1 });
  });
});
