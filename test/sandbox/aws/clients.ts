import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { EKSClient } from "@aws-sdk/client-eks";
import { IdentitystoreClient } from "@aws-sdk/client-identitystore";
import { OrganizationsClient } from "@aws-sdk/client-organizations";
import { SSOAdminClient } from "@aws-sdk/client-sso-admin";
import { STSClient } from "@aws-sdk/client-sts";
import { type SandboxAws, type SandboxAwsOptions, startSandboxAws } from "../../../sandbox/aws/account.ts";
import type { Credentials } from "../../../sandbox/aws/identities.ts";

/** The real SDK clients, pointed at the sandbox by their endpoint alone. One attempt, so that a test sees each answer. */
export function clientsOf(url: string, credentials: Credentials, region = "eu-central-1") {
  const settings = { endpoint: url, region, credentials, maxAttempts: 1 };
  return {
    sts: new STSClient(settings),
    eks: new EKSClient(settings),
    cloudTrail: new CloudTrailClient(settings),
    identityStore: new IdentitystoreClient(settings),
    organizations: new OrganizationsClient(settings),
    ssoAdmin: new SSOAdminClient(settings),
  };
}

/** An account on a clock that stands still until it is moved. */
export async function anAccount(
  options: SandboxAwsOptions = {},
): Promise<SandboxAws & { clock: { pass: (seconds: number) => void } }> {
  let ahead = 0;
  const aws = await startSandboxAws({ now: () => new Date(Date.now() + ahead), ...options });
  const clock = {
    pass: (seconds: number) => {
      ahead += seconds * 1000;
    },
  };
  return { ...aws, clock };
}

/** The name and message of the error that a call ends in. Fails where the call succeeds. */
export async function refusalOf(
  call: Promise<unknown>,
): Promise<{ name: string; message: string; status: number | undefined }> {
  const error = await call.then(
    () => new Error("the call was not refused"),
    (refused: unknown) => refused,
  );
  if (!(error instanceof Error)) throw new Error(`not an error: ${String(error)}`);
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return { name: error.name, message: error.message, status: $metadata?.httpStatusCode };
}
