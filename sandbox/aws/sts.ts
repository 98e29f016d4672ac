import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import { type AssumedRole, assumeRole, assumeWithWebIdentity } from "./assume-role.ts";
import { type AssumeRoleInput, readAssumeRole } from "./assume-role-input.ts";
import type { AwsContext } from "./context.ts";
import { type Caller, mayCall } from "./identities.ts";
import { escapeXml, stsError } from "./refusal.ts";
import { verifySignature } from "./signature.ts";

export function stsParams(request: SandboxRequest): URLSearchParams {
  return request.method === "POST" ? new URLSearchParams(request.body.toString("utf8")) : request.url.searchParams;
}

/** Answers GetCallerIdentity, AssumeRole and AssumeRoleWithWebIdentity as STS does, version 2011-06-15. */
export function answerSts(context: AwsContext, request: SandboxRequest): SandboxAnswer {
  const asked = stsParams(request);
  if (asked.get("Action") === "AssumeRoleWithWebIdentity") return answerWebIdentity(context, asked);
  const signed = verifySignature(request, "sts", context);
  if (signed.type === "refused") return stsError(signed.code, signed.message, signed.status);
  const { caller, region } = signed;
  if (context.account.disabledRegions.has(region)) {
    return stsError(
      "RegionDisabledException",
      `STS is not activated in this region for account:${caller.identity.accountId}. Your account administrator can activate STS in this region using the IAM Console.`,
      403,
    );
  }
  const action = asked.get("Action");
  const by = caller.arn;
  if (action === "GetCallerIdentity") return { ...callerIdentity(caller, request), by };
  if (action === "AssumeRole") return { ...answerAssumeRole(context, caller, asked, region), by };
  return {
    ...stsError("InvalidAction", `Could not find operation ${action} for version ${asked.get("Version")}`),
    by,
  };
}

/** STS answers in JSON on request, as the authenticator of EKS wants it (aws-iam-authenticator, pkg/token). */
function callerIdentity(caller: Caller, request: SandboxRequest): SandboxAnswer {
  const result = { Arn: caller.arn, UserId: caller.userId, Account: caller.identity.accountId };
  if (request.headers.accept === "application/json") {
    const body = {
      GetCallerIdentityResponse: {
        GetCallerIdentityResult: result,
        ResponseMetadata: { RequestId: crypto.randomUUID() },
      },
    };
    return { status: 200, body: JSON.stringify(body) };
  }
  return xmlAnswer("GetCallerIdentity", result);
}

function answerAssumeRole(context: AwsContext, caller: Caller, params: URLSearchParams, region: string): SandboxAnswer {
  const input = readAssumeRole(params);
  if ("type" in input) return stsError(input.code, input.message, input.status);
  const assumed = assumeRole(context.account, caller, input);
  const refused = assumed.type === "refused" ? assumed : undefined;
  const requestId = crypto.randomUUID();
  context.onAssumeRole?.({ caller, input, region, refused, requestId });
  if (assumed.type === "refused") return stsError(assumed.code, assumed.message, assumed.status, requestId);
  return xmlAnswer("AssumeRole", { ...sessionMembers(assumed), ...sessionExtras(input) }, requestId);
}

function answerWebIdentity({ account, webIdentities, now }: AwsContext, params: URLSearchParams): SandboxAnswer {
  const assumed = assumeWithWebIdentity(account, webIdentities, params, now());
  if (assumed.type === "refused") return stsError(assumed.code, assumed.message, assumed.status);
  const token = { SubjectFromWebIdentityToken: assumed.subject, Audience: "sts.amazonaws.com" };
  return { ...xmlAnswer("AssumeRoleWithWebIdentity", { ...sessionMembers(assumed), ...token }), by: assumed.arn };
}

function sessionMembers({ roleId, arn, credentials }: AssumedRole): XmlMembers {
  return {
    AssumedRoleUser: { AssumedRoleId: roleId, Arn: arn },
    Credentials: {
      AccessKeyId: credentials.accessKeyId,
      SecretAccessKey: credentials.secretAccessKey,
      SessionToken: credentials.sessionToken,
      Expiration: credentials.expiration.toISOString().replace(".000Z", "Z"),
    },
  };
}

function sessionExtras(input: AssumeRoleInput): XmlMembers {
  return {
    ...(input.sourceIdentity === undefined ? {} : { SourceIdentity: input.sourceIdentity }),
    ...(input.packedSize > 0 ? { PackedPolicySize: String(input.packedSize) } : {}),
  };
}

export interface XmlMembers {
  [name: string]: string | XmlMembers;
}

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";

function xmlAnswer(
  action: string,
  result: XmlMembers,
  id: string = crypto.randomUUID(),
  xmlns = stsNamespace,
): SandboxAnswer {
  const body =
    `<${action}Response xmlns="${xmlns}">${xml({ [`${action}Result`]: result })}` +
    `<ResponseMetadata><RequestId>${id}</RequestId></ResponseMetadata></${action}Response>`;
  return { status: 200, headers: { "content-type": "text/xml", "x-amzn-requestid": id }, body };
}

function xml(members: XmlMembers): string {
  return Object.entries(members)
    .map(([name, value]) => `<${name}>${typeof value === "string" ? escapeXml(value) : xml(value)}</${name}>`)
    .join("");
}

/** IAM and STS share a protocol; the version distinguishes them. */
export const iamVersion = "2010-05-08";

const iamNamespace = "https://iam.amazonaws.com/doc/2010-05-08/";

/** Answers GetRole as IAM does (IAM API reference). It knows only the roles of the caller's account. */
export function answerIam(context: AwsContext, request: SandboxRequest): SandboxAnswer {
  const asked = stsParams(request);
  const signed = verifySignature(request, "iam", context);
  if (signed.type === "refused") return stsError(signed.code, signed.message, signed.status);
  const { caller } = signed;
  const by = caller.arn;
  const action = asked.get("Action");
  if (action !== "GetRole") {
    return { ...stsError("InvalidAction", `Could not find operation ${action} for version ${iamVersion}`), by };
  }
  const name = asked.get("RoleName") ?? "";
  const { accountId } = caller.identity;
  const role = context.account.role(accountId, name);
  const resource = role?.arn ?? `arn:${context.account.partition}:iam::${accountId}:role/${name}`;
  if (!mayCall(caller, "iam:GetRole", resource)) {
    const message = `User: ${by} is not authorized to perform: iam:GetRole on resource: role ${name}`;
    return { ...stsError("AccessDenied", message, 403), by };
  }
  if (!role) return { ...stsError("NoSuchEntity", `The role with name ${name} cannot be found.`, 404), by };
  const Role = {
    Path: role.arn.slice(role.arn.indexOf(":role/") + 5, role.arn.lastIndexOf("/") + 1),
    AssumeRolePolicyDocument: encodeURIComponent(JSON.stringify({ Version: "2012-10-17", Statement: [] })),
    RoleId: role.id,
    RoleName: name,
    Arn: role.arn,
    CreateDate: role.createdAt.toISOString().replace(".000Z", "Z"),
    MaxSessionDuration: String(role.maxSessionSeconds),
  };
  return { ...xmlAnswer("GetRole", { Role }, crypto.randomUUID(), iamNamespace), by };
}
