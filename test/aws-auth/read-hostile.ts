import { planDocumentRepair } from "../../src/access/rescue/document-repair.ts";
import { checkFile } from "../../src/aws-auth/check-file.ts";
import { readConfigMapFile } from "../../src/aws-auth/config-map.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { planChanges } from "../../src/aws-auth/plan.ts";
import { offerRepairs } from "../../src/aws-auth/repair.ts";
import { costly, excessive } from "./hostile-documents.ts";

const [part = 0, parts = 1] = process.argv.slice(2).map(Number);

/**
 * Reads one part of the hostile documents in every way that the product does, in a process of its own: the test that starts it bounds
 * its heap. Prints a line of JSON for each, with the longest time that one way took of the processor.
 */
const documents = Object.entries({ ...excessive, ...costly }).filter((_, index) => index % parts === part);
for (const [name, mapRoles] of documents) {
  let longest = 0;
  const timed = <T>(run: () => T): T => {
    const before = process.cpuUsage();
    const result = run();
    const { user, system } = process.cpuUsage(before);
    longest = Math.max(longest, (user + system) / 1e6);
    return result;
  };
  const arn = "arn:aws:iam::111122223333:role/dev";
  const document = timed(() => parseDocument({ mapRoles }));
  const plan = timed(() => planChanges(document, [{ type: "map", arn, username: "dev", groups: ["viewers"] }]));
  timed(() => offerRepairs(document));
  timed(() => planDocumentRepair({ mapRoles }, null, {}));
  const indented = mapRoles.replaceAll(/^(?=.)/gm, "    ");
  const file = timed(() => readConfigMapFile(`kind: ConfigMap\ndata:\n  mapRoles: |\n${indented}\n`));
  if (file.type === "file") timed(() => checkFile(file.file, [arn]));
  const [problem] = document.problems;
  const refusal = plan.type === "refused" ? plan.refusal : null;
  process.stdout.write(
    `${JSON.stringify({ name, longest, listed: document.problems.length, code: problem?.code, line: problem?.line, refusal: refusal?.code })}\n`,
  );
}
