import { STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import { AccessError } from "../access/failure/access-error.ts";
import { clientSettings } from "./client-settings.ts";
import type { CredentialSource } from "./credentials.ts";
import { awsFailure } from "./explain-aws-error.ts";

/**
 * The process's own client of each region, of where the environment says that STS is, and of the key that it names. It is kept, because with a new one the SDK would look for the credentials
 * again, which costs IRSA and Pod Identity a call of their own each time; it renews them by itself before they expire.
 */
const own = new Map<string, STSClient>();

/** The clients with which something was called before. */
const kept = new WeakSet<STSClient>();

/**
 * Calls STS of a region.
 *
 * @param what action and resource, as IAM would write them
 * @throws AccessError
 */
export async function callSts<T>(
  source: CredentialSource,
  region: string,
  what: string,
  send: (client: STSClient) => Promise<T>,
): Promise<T> {
  const client = source === "default" ? ownClient(region) : new STSClient(clientSettings(source, region));
  try {
    return await sendWith(client, what, send);
  } catch (error) {
    if (source !== "default") throw error;
    own.delete(placeOf(region));
    if (!isAboutCredentials(error) || !kept.has(client)) throw error;
    // They were found for an earlier call, and may have been rotated since.
    return await sendWith(ownClient(region), what, send);
  } finally {
    kept.add(client);
  }
}

async function sendWith<T>(client: STSClient, what: string, send: (client: STSClient) => Promise<T>): Promise<T> {
  try {
    return await send(client);
  } catch (error) {
    throw awsFailure(error, what);
  }
}

function isAboutCredentials(error: unknown): boolean {
  const codes: readonly string[] = ["aws-credentials-invalid", "aws-credentials-expired"];
  return error instanceof AccessError && codes.includes(error.code);
}

function ownClient(region: string): STSClient {
  const known = own.get(placeOf(region));
  if (known) return known;
  // The SDK would otherwise read the AWS files once for the life of the process, and never see that keys were rotated.
  const settings = clientSettings("default", region);
  const { requestHandler } = settings;
  // Where they come from a call of STS themselves, it has the deadline of every call.
  const credentials = fromNodeProviderChain({ ignoreCache: true, clientConfig: { region, requestHandler } });
  const client = new STSClient({ ...settings, credentials });
  own.set(placeOf(region), client);
  return client;
}

function placeOf(region: string): string {
  const { AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID = "" } = process.env;
  return `${region} ${AWS_ENDPOINT_URL_STS ?? AWS_ENDPOINT_URL ?? ""} ${AWS_ACCESS_KEY_ID}`;
}
