import { parseArgs } from "node:util";

export const workerUsage = `Usage: eks-access worker [--zone NAME]…

Runs the worker. With --zone it works on the clusters of these zones of eks-access.yml alone, without it on the clusters that have none.
`;

export type ZonesReading =
  | { readonly type: "zones"; readonly zones: readonly (string | null)[] }
  | { readonly type: "invalid"; readonly problem: string };

/** The zones that a command line names; none: the clusters without a zone. */
export function readZones(argv: readonly string[]): ZonesReading {
  try {
    const options = { zone: { type: "string", multiple: true } } as const;
    const { zone: zones = [] } = parseArgs({ args: [...argv], options, strict: true }).values;
    return { type: "zones", zones: zones.length > 0 ? [...new Set(zones)] : [null] };
  } catch (error) {
    return { type: "invalid", problem: `${error instanceof Error ? error.message : String(error)}\n\n${workerUsage}` };
  }
}
