import { AccessError } from "../src/access/access-error.ts";
import type { AwsCredentials } from "../src/aws/client-settings.ts";
import { mintToken } from "../src/aws/sts.ts";
import { connectCluster } from "../src/kubernetes/cluster-client.ts";
import type { SandboxCluster } from "./cluster/cluster.ts";

export interface KubectlAnswer {
  readonly ok: boolean;
  readonly output: string;
}

let tokens = 0;

/** Only the validity makes two tokens of one second differ, and an API server caches its answer to a token for two minutes. */
function validityOfItsOwn(): number {
  tokens += 1;
  return 60 + (tokens % 800);
}

/** `kubectl get pods` as an identity, with a new token each time, as the AWS CLI makes one. */
export async function getPods(
  cluster: SandboxCluster,
  region: string,
  credentials: AwsCredentials,
): Promise<KubectlAnswer> {
  const token = await mintToken(credentials, { eksName: cluster.name, region }, new Date(), validityOfItsOwn());
  const { name, endpoint, certificateAuthority } = cluster;
  const client = connectCluster({ name, endpoint, certificateAuthority, token });
  try {
    return { ok: true, output: (await client.listPods("default")).join("\n") };
  } catch (error) {
    return { ok: false, output: denial(error) };
  } finally {
    client.close();
  }
}

function denial(error: unknown): string {
  const code = error instanceof AccessError ? error.code : null;
  if (code === "cluster-unauthorized") return "error: You must be logged in to the server (Unauthorized)";
  if (code === "cluster-forbidden") return "Error from server (Forbidden): pods is forbidden";
  return `error: ${error instanceof Error ? error.message : String(error)}`;
}
