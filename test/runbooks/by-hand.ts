import { expect } from "vitest";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { initialAwsAuth } from "../../sandbox/scene.ts";
import { lineOf } from "./runbook.ts";

/** The runbook for when access has to end and eks-access can't do it. */
export const byHand = "Remove access by hand";

/** The creator removes the entry with the page's line, and leaves the annotation: from then on no one gets in by it. */
export async function removeByHand({ cluster, getPods }: Sandbox): Promise<void> {
  expect(lineOf(byHand, "kubectl ").join(" ")).toBe("kubectl -n kube-system edit configmap aws-auth");
  await cluster.editAwsAuth((configMap) => ({ ...configMap, data: initialAwsAuth }), "kubectl-edit");
  await expect.poll(async () => (await getPods()).output).toMatch(/Unauthorized|Forbidden/);
}
