import { checkFile } from "../../src/aws-auth/check-file.ts";
import { readConfigMapFile } from "../../src/aws-auth/config-map.ts";
import { planDocumentRepair } from "../../src/aws-auth/document-repair.ts";
import { finish } from "../../src/aws-auth/go-yaml/budget.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { planChanges } from "../../src/aws-auth/plan.ts";
import { offerRepairs } from "../../src/aws-auth/repair.ts";
import { costly, excessive, honest } from "./hostile-documents.ts";

/**
 * Reads the hostile documents in every way that the product does, in a process of its own: the test that starts it bounds its heap.
 * Prints a line of JSON for each, with the longest time that one way took of the processor, in seconds.
 */
const arn = "arn:aws:iam::111122223333:role/dev";
const text = (mapRoles: string) =>
  `kind: ConfigMap\ndata:\n  mapRoles: |\n${mapRoles.replaceAll(/^(?=.)/gm, "    ")}\n`;

function read(name: string, mapRoles: string) {
  let longest = 0;
  const timed = <T>(run: () => T): T => {
    const before = process.cpuUsage();
    const result = run();
    const { user, system } = process.cpuUsage(before);
    longest = Math.max(longest, (user + system) / 1e6);
    return result;
  };
  timed(() => finish(planDocumentRepair({ mapRoles }, null, {})));
  const file = timed(() => readConfigMapFile(text(mapRoles)));
  if (file.type === "file") timed(() => checkFile(file.file, [arn]));
  const document = timed(() => parseDocument({ mapRoles }));
  const plan = timed(() => planChanges(document, [{ type: "map", arn, username: "dev", groups: ["viewers"] }]));
  timed(() => offerRepairs(document));
  const refusal = plan.type === "refused" ? plan.refusal.code : undefined;
  return { name, longest, listed: document.problems.length, refusal };
}

for (const [name, section] of Object.entries({ honest, ...excessive, ...costly }))
  process.stdout.write(`${JSON.stringify(read(name, section()))}\n`);
