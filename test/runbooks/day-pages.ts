import { readFileSync } from "node:fs";
import { account, channel, clusterName, externalId } from "../../sandbox/scene.ts";

export const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** The placeholders of the pages, and what the sandbox has there. */
const own: readonly (readonly [string, string])[] = [
  ["staging-eks", clusterName],
  ["eks-access-staging", externalId],
  ["eks-access-fleet", externalId],
  ["C012ABCDEF", channel],
  ["C056EFGHIJ", channel],
  ["U012ABCDEF", "U0APPROVER"],
  ["U023BCDEFG", "U0APPROVER2"],
  ['["111122223333", "444455556666"]', `["${account}"]`],
];

/** A page as its reader adapts it. */
export function pageOf(name: string): string {
  return own.reduce((text, [theirs, ours]) => text.replaceAll(theirs, ours), read(`docs/${name}.md`));
}

/** The lines to type of a page: those of its blocks, with what continues them, and those within its sentences. */
export function linesOf(page: string): readonly string[] {
  const block = /^ *```sh\n([\s\S]+?)^ *```$/gm;
  const typed = [...page.matchAll(block)].flatMap(([, text = ""]) =>
    text
      .replaceAll(/ \\\n */g, " ")
      .trim()
      .split("\n"),
  );
  const inline = page.replaceAll(block, "").matchAll(/`((?:\/?eks-access|docker compose|aws|kubectl|npm|npx) [^`]+)`/g);
  return [...typed.map((line) => line.trim()), ...[...inline].map(([, line = ""]) => line)];
}

/** The lines that another test types, most of them with a program that a machine may lack: by their beginning. */
export const linesOfOthers: Readonly<Record<string, string>> = {
  "docker build": "test/deploy/containers.program.ts",
  "docker compose up": "test/deploy/containers.program.ts",
  "aws sts get-caller-identity": "test/deploy/days.program.ts",
  "aws eks update-kubeconfig": "test/deploy/days.program.ts",
  "kubectl get pods": "test/deploy/days.program.ts",
  "aws cloudformation create-stack-set": "test/deploy/days.program.ts",
  "aws cloudformation create-stack-instances": "test/deploy/days.program.ts",
  "kubectl apply": "test/deploy/days.program.ts",
  "aws eks tag-resource": "test/deploy/days.program.ts",
  "npx eks-access init": "test/bin/init.test.ts",
  "eks-access bootstrap": "test/bin/bootstrap.test.ts",
  "npm ci --ignore-scripts && npm run build": ".ci/run",
  "npx eks-access slack": "test/deploy/install.program.ts",
  "npx eks-access worker": "test/deploy/install.program.ts",
};
