import { AccessError } from "../access/failure/access-error.ts";

/** AWS refuses a signature that is more than five minutes off; a cluster refuses a token earlier. */
export const mostSkewSeconds = 60;

/**
 * How far our clock is ahead of AWS's (behind: below 0), in seconds, by the Date of STS's answer: whole seconds, and as
 * exact as the call was quick. Needs no credentials.
 * @throws AccessError `aws-unreachable`
 */
export async function clockSkewSeconds(region: string, now: () => Date): Promise<number> {
  const { AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL } = process.env;
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const url = AWS_ENDPOINT_URL_STS ?? AWS_ENDPOINT_URL ?? `https://sts.${region}.${suffix}`;
  try {
    const { headers } = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(5_000) });
    const theirs = Date.parse(headers.get("date") ?? "");
    if (Number.isNaN(theirs)) throw new Error("the answer has no Date");
    return (now().getTime() - theirs) / 1000;
  } catch (error) {
    throw new AccessError("aws-unreachable", `STS in ${region} sent no time`, { cause: error });
  }
}
