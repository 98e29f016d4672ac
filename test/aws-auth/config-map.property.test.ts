import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeConfigMap } from "../../src/aws-auth/write-config-map.ts";
import { stories } from "../form.ts";
import { fileOf, read } from "./config-map-files.ts";
import { noise } from "./generators.ts";

const values = fc.oneof(
  noise,
  noise.map((text) => `${text}\n`),
  fc.constantFrom("", "\n", "a\n\n", "  a\n", "a\nb", "\ta\n"),
);
const data = fc.dictionary(fc.constantFrom("mapRoles", "mapUsers", "mapAccounts", "notes"), values, { maxKeys: 4 });
const forms = fc.constantFrom("yaml", "json", "flow", "bare", "second");

describe("writeConfigMap", () => {
  it("writes what is read back, whatever the texts hold", () => {
    fc.assert(
      fc.property(forms, data, (form, wanted) => {
        const file = read(writeConfigMap(fileOf(form), wanted));

        expect(file.form).toBe("config-map");
        expect(file.data).toEqual(wanted);
        expect(file.object.metadata).toMatchObject({ name: "aws-auth" });
      }),
      stories({ short: 500, long: 3000 }),
    );
  });
});
