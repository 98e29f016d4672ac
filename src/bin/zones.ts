import { readOnlyOptions } from "./process-io.ts";

export const workerUsage = `Usage: eks-access worker [--zone NAME]…

Run it in an environment with the variables of docs/configuration.md and eks-access.yml. SIGTERM or Ctrl-C stops it,
a second one at once.

  --zone NAME  serve the clusters of this zone of eks-access.yml; repeatable. By default: the clusters without a zone

Example: eks-access worker --zone eu-private
Exit code: 0 stopped, 1 something unexpected failed, 2 unusable input.
`;

export type ZonesReading =
  | { readonly type: "zones"; readonly zones: readonly (string | null)[] }
  | { readonly type: "invalid"; readonly problem: string };

/** The zones that a command line names; none: the clusters without a zone. */
export function readZones(argv: readonly string[]): ZonesReading {
  const read = readOnlyOptions(argv, { zone: { type: "string", multiple: true } });
  if (typeof read === "string") return { type: "invalid", problem: read };
  const { zone: zones = [] } = read;
  return { type: "zones", zones: zones.length > 0 ? [...new Set(zones)] : [null] };
}
