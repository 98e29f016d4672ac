import { STS } from "@aws-sdk/client-sts";
import { HttpRequest } from "@smithy/protocol-http";
import { SignatureV4 } from "@smithy/signature-v4";
import type { RequestIds } from "../operations/announcements.ts";
import { type AwsCredentials, clientSettings, logRequestId } from "./client-settings.ts";
import { awsFailure } from "./explain-aws-error.ts";

/** IAM has one endpoint for each partition, with the region of its signatures (endpoint rules of the AWS SDKs). */
const endpoints: Readonly<Record<string, readonly [host: string, region: string, fipsHost?: string]>> = {
  aws: ["iam.amazonaws.com", "us-east-1", "iam-fips.amazonaws.com"],
  "aws-cn": ["iam.cn-north-1.amazonaws.com.cn", "cn-north-1"],
  "aws-us-gov": ["iam.us-gov.amazonaws.com", "us-gov-west-1", "iam.us-gov.amazonaws.com"],
  "aws-iso": ["iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"],
  "aws-iso-b": ["iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"],
  "aws-iso-e": ["iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"],
  "aws-iso-f": ["iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"],
  "aws-eusc": ["iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"],
};

/** ISO 8601; null: the caller's account has no such role. Sent once: the caller can do without it. @throws AccessError */
export async function roleMadeAt(
  credentials: AwsCredentials,
  roleArn: string,
  log?: RequestIds,
): Promise<string | null> {
  const name = roleArn.slice(roleArn.lastIndexOf("/") + 1);
  const body = new URLSearchParams({ Action: "GetRole", Version: "2010-05-08", RoleName: name }).toString();
  try {
    const { text } = await logRequestId(log, "iam:GetRole", ask(credentials, roleArn.split(":")[1] ?? "aws", body));
    // The trust policy in the answer is URL-encoded, and all other text is escaped.
    const at = Date.parse(/<CreateDate>([^<]+)<\/CreateDate>/.exec(text)?.[1] ?? "");
    if (Number.isNaN(at)) throw new Error("the answer has no CreateDate");
    return new Date(at).toISOString();
  } catch (error) {
    if (error instanceof Error && error.name === "NoSuchEntity") return null;
    throw awsFailure(error, `iam:GetRole on ${roleArn}`);
  }
}

async function ask(credentials: AwsCredentials, partition: string, body: string) {
  const [usual, region, fips] = endpoints[partition] ?? ["", ""];
  const { requestHandler, useFipsEndpoint } = clientSettings(credentials, region);
  const host = (await useFipsEndpoint()) ? fips : usual;
  if (!host) throw new Error(`no such endpoint of IAM in ${partition} is known`);
  const { AWS_ENDPOINT_URL_IAM, AWS_ENDPOINT_URL } = process.env;
  const url = new URL(AWS_ENDPOINT_URL_IAM ?? AWS_ENDPOINT_URL ?? `https://${host}`);
  const { sha256 } = new STS({ region }).config;
  const request = new HttpRequest({
    method: "POST",
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port && { port: Number(url.port) }),
    path: "/",
    headers: { host: url.host, "content-type": "application/x-www-form-urlencoded" },
    body,
  });
  const signed = await new SignatureV4({ service: "iam", region, credentials, sha256 }).sign(request);
  const { response } = await requestHandler.handle(HttpRequest.clone(signed));
  const text = String(response.body);
  const $metadata = { httpStatusCode: response.statusCode, requestId: response.headers["x-amzn-requestid"] };
  if (response.statusCode === 200) return { text, $metadata };
  const [code, message] = ["Code", "Message"].map((tag) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(text)?.[1]);
  throw Object.assign(new Error(message ?? ""), { name: code || "Error", $metadata });
}
