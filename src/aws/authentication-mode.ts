import { setTimeout as wait } from "node:timers/promises";
import { DescribeUpdateCommand, type EKSClient, UpdateClusterConfigCommand } from "@aws-sdk/client-eks";
import type { RequestIds } from "../access/audit/event.ts";
import { AccessError } from "../access/failure/access-error.ts";
import type { ClusterAddress, EksCluster } from "./eks-cluster.ts";
import { awsFailure } from "./explain-aws-error.ts";
import { logged } from "./request-log.ts";

/** An update takes some minutes (EKS User Guide, "Change authentication mode"). */
const mostLooks = 180;

function lookAfterMs(look: number): number {
  return Math.min(5_000, 100 * 2 ** look);
}

export interface SwitchOptions {
  readonly log?: RequestIds;
  /** Waits between two checks. Milliseconds. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

/**
 * Makes a cluster know access entries beside aws-auth, and waits until EKS says so. There is no way back. If another update runs, or
 * one of a dead run, it waits for that first.
 *
 * @returns false: the mode knew them already
 * @throws AccessError
 */
export async function letAccessEntriesIn(eks: EksCluster, { log, pause = wait }: SwitchOptions = {}): Promise<boolean> {
  const { address } = eks;
  const client = eks.client();
  try {
    for (let look = 0; look < mostLooks; look += 1) {
      const { status, authenticationMode } = await eks.describe(log);
      if (authenticationMode !== "CONFIG_MAP") return look > 0;
      if (status === "ACTIVE") {
        await update(client, address, log, pause);
        return true;
      }
      await pause(lookAfterMs(look));
    }
  } finally {
    client.destroy();
  }
  throw tookTooLong(address);
}

async function update(
  client: EKSClient,
  address: ClusterAddress,
  log: RequestIds | undefined,
  pause: NonNullable<SwitchOptions["pause"]>,
): Promise<void> {
  const { eksName: name, region, account } = address;
  const place = `cluster ${name} in ${region} of account ${account}`;
  const accessConfig = { authenticationMode: "API_AND_CONFIG_MAP" } as const;
  const begun = await asked(`eks:UpdateClusterConfig on ${place}`, () =>
    logged(log, "eks:UpdateClusterConfig", client.send(new UpdateClusterConfigCommand({ name, accessConfig }))),
  );
  const updateId = begun.update?.id;
  for (let look = 0; look < mostLooks; look += 1) {
    const { update: now } = await asked(`eks:DescribeUpdate on ${place}`, () =>
      logged(log, "eks:DescribeUpdate", client.send(new DescribeUpdateCommand({ name, updateId }))),
    );
    if (now?.status === "Successful") return;
    if (now?.status === "Failed" || now?.status === "Cancelled") {
      const why = now.errors?.map(({ errorMessage }) => errorMessage).join(" ") ?? "";
      throw new AccessError(
        "aws-request-refused",
        `EKS did not switch the authentication mode of ${place}: ${why || now.status}`,
        {
          mend: "Fix what EKS names, then run it again.",
        },
      );
    }
    await pause(lookAfterMs(look));
  }
  throw tookTooLong(address);
}

async function asked<T>(what: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    throw awsFailure(error, what);
  }
}

function tookTooLong({ eksName }: ClusterAddress): AccessError {
  return new AccessError("cluster-not-active", `The update of cluster ${eksName} does not end`);
}
