import { z } from "zod";
import { explainFailure } from "../access/access-error.ts";
import type { FleetCluster } from "../access/policy/fleet-list.ts";
import { readEnvironment } from "../config/environment.ts";
import { account, labels, readYaml, region } from "../config/forms.ts";
import { type CommandIo, readInput } from "./process-io.ts";
import { sealedFleet } from "./settings.ts";

const clustersFile = z.array(z.object({ account, region, eksName: z.string(), tags: labels.default({}) }));

/** The clusters of the fleet for a question about the policy; a text: why they are unknown. */
export type KnownClusters = readonly FleetCluster[] | string;

/** The clusters of a file: JSON or YAML, as `eks-access policy clusters` prints them. */
export async function clustersOfFile(path: string, io: CommandIo, now: Date): Promise<KnownClusters> {
  const input = await readInput(path, io);
  if (input.type === "unusable") return input.message;
  const read = readYaml(input.text, clustersFile);
  if (typeof read === "string") return `${path}: ${read}`;
  const at = now.toISOString();
  return read.map((cluster) => ({ ...cluster, waiting: null, since: at, seenAt: at, goneSince: null }));
}

const otherwise =
  "Name a file with --clusters, which eks-access policy clusters prints where a process runs, or run this in the environment of a process.";

/** The list that a worker sealed, if this environment is one of a process. */
export async function clustersOfLedger(now: Date): Promise<KnownClusters> {
  const environments = (["worker", "slack"] as const).map((kind) => readEnvironment(process.env, kind).environment);
  const environment = environments.find((each) => each !== null);
  if (!environment) return `This process does not know the clusters of the fleet. ${otherwise}`;
  try {
    const list = await sealedFleet(environment, now);
    return list?.clusters ?? `No worker has published the clusters of the fleet yet. ${otherwise}`;
  } catch (error) {
    return `Can't read the clusters of the fleet. ${explainFailure(error)} ${otherwise}`;
  }
}

/** `eks-access policy clusters`: the tags in force, of the clusters that AWS shows. */
export async function printClusters(io: CommandIo): Promise<number | string> {
  const known = await clustersOfLedger(new Date());
  if (typeof known === "string") return known;
  const shown = known.filter(({ goneSince }) => goneSince === null);
  const lines = shown.map(({ account: of, region: at, eksName, tags }) =>
    JSON.stringify({ account: of, region: at, eksName, tags }),
  );
  io.stdout(`[\n  ${lines.join(",\n  ")}\n]\n`);
  return 0;
}
