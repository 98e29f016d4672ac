import fc from "fast-check";
import { expect, test } from "vitest";
import { readRequest } from "../../../src/access/ask/read-request.ts";
import { splitRequestLine } from "../../../src/access/ask/request-line.ts";
import { anyCharacter } from "../../any-text.ts";
import { aCluster, aLevel, clustersOf } from "../../builders/a-cluster.ts";
import { stories } from "../../form.ts";

const clusters = clustersOf(
  aCluster(),
  aCluster({ name: "production", levels: [aLevel({ name: "viewer", maxDurationSeconds: 1800 })] }),
);
const command = "/eks-access request ";

function read(line: string) {
  return readRequest(splitRequestLine(line, clusters), clusters);
}

/** Words that are right, nearly right, wrong and missing. */
const clusterWord = fc.constantFrom("staging", "Staging", "stagin", "prodution", "production", "moon");
const levelWord = fc.constantFrom("viewer", "admin", "viewr", "amin", "root");
const durationWords = fc.constantFrom("", "for 4h", "for 9h", "for 30m", "for ages", "for 100d", "for 0h");
const reason = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 40 }),
  fc.string({ unit: anyCharacter, minLength: 490, maxLength: 700 }),
);
const arnWord = fc.oneof(
  fc.constantFrom(
    "arn:aws:iam::111122223333:role/developers",
    "arn:aws:iam::111122223333:user/team/engineer",
    "arn:aws:iam::111122223333:role/team/developers",
    "arn:aws:iam::111122223333:role/cluster-creator",
    "arn:aws:iam::999988887777:role/a/b",
    "arn:aws:sts::111122223333:assumed-role/developers/engineer",
    "arn:aws:sts::111122223333:assumed-role/a/b/engineer",
    "arn:aws:sts::111122223333:assumed-role/!/engineer",
    "arn:aws-cn:iam::111122223333:role/developers",
    "arn:aws:iam::111122223333:root",
    "developers",
  ),
  fc.string({ maxLength: 30 }),
);

const lines = fc
  .tuple(clusterWord, arnWord, levelWord, durationWords, reason)
  .map((words) => words.filter((word) => word !== "").join(" "));

/** Lines that break off anywhere, too: what is missing has a placeholder as well. */
const shortLines = fc
  .tuple(lines, fc.option(fc.nat({ max: 4 }), { nil: undefined }))
  .map(([line, words]) => line.split(" ").slice(0, words).join(" "));

test("a corrected line without placeholders reads without mistakes", () => {
  fc.assert(
    fc.property(lines, (line) => {
      const reading = read(line);
      if (reading.type === "requested" || /<(cluster|arn|level|duration|reason)>/.test(reading.corrected)) return;

      expect(read(reading.corrected.slice(command.length))).toMatchObject({ type: "requested" });
    }),
    stories({ short: 400, long: 2_000 }),
  );
});

test("a placeholder replaces only what was named as a mistake", () => {
  fc.assert(
    fc.property(shortLines, (line) => {
      const reading = read(line);
      if (reading.type === "requested") return;
      const said = new Set<string>(reading.mistakes.map(({ part }) => (part === "principal" ? "arn" : part)));
      const typed = line.replace(/^\S+ /, "");

      const placeholders = [...reading.corrected.matchAll(/<(cluster|arn|level|duration|reason)>/g)].map(
        ([, name = ""]) => name,
      );

      for (const name of placeholders) expect(said.has(name) || typed.includes(`<${name}>`)).toBe(true);
    }),
  );
});

test("whatever is typed is answered: with a request, or with at least one mistake", () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter, maxLength: 300 }), (line) => {
      const reading = read(line);

      if (reading.type === "mistakes") expect(reading.mistakes.length).toBeGreaterThan(0);
      else expect(clusters.has(reading.requested.cluster.name)).toBe(true);
    }),
  );
});
