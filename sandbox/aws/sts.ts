import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import {
  type AssumedRole,
  type AssumeRoleInput,
  assumeRole,
  assumeWithWebIdentity,
  readAssumeRole,
} from "./assume-role.ts";
import { callerElement, eventOf } from "./cloudtrail.ts";
import type { AwsContext } from "./context.ts";
import type { CloudTrailEvent } from "./eks-cluster.ts";
import { type Caller, mayCall } from "./identities.ts";
import { attempt, escapeXml, Refusal, refuse, stsError } from "./refusal.ts";
import { answerSigned, type Signed } from "./signature.ts";

export function stsParams(request: SandboxRequest): URLSearchParams {
  return request.method === "POST" ? new URLSearchParams(request.body.toString("utf8")) : request.url.searchParams;
}

/** Answers GetCallerIdentity, AssumeRole and AssumeRoleWithWebIdentity as STS does, version 2011-06-15. */
export function answerSts(context: AwsContext, request: SandboxRequest): SandboxAnswer {
  const asked = stsParams(request);
  if (asked.get("Action") === "AssumeRoleWithWebIdentity") return answerWebIdentity(context, asked);
  return answerSigned(context, request, "sts", queryError, (signed) => {
    const { caller, region } = signed;
    if (context.account.disabledRegions.has(region)) {
      const message = `STS is not activated in this region for account:${caller.identity.accountId}. Your account administrator can activate STS in this region using the IAM Console.`;
      refuse("RegionDisabledException", message, 403);
    }
    const action = asked.get("Action");
    if (action === "GetCallerIdentity") return callerIdentity(caller, request);
    if (action === "AssumeRole") return answerAssumeRole(context, signed, asked);
    return refuse("InvalidAction", `Could not find operation ${action} for version ${asked.get("Version")}`);
  });
}

const queryError = (code: string, message: string, status: number) => stsError(code, message, status);

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

function answerAssumeRole(context: AwsContext, signed: Signed, params: URLSearchParams): SandboxAnswer {
  const input = readAssumeRole(params);
  const assumed = attempt(() => assumeRole(context.account, signed.caller, input));
  const refused = assumed instanceof Refusal ? assumed : undefined;
  const requestId = crypto.randomUUID();
  context.record(assumeRoleEvent(signed, input, { at: context.now(), refused, requestId }));
  if (assumed instanceof Refusal) return stsError(assumed.code, assumed.message, assumed.status, requestId);
  return xmlAnswer("AssumeRole", { ...sessionMembers(assumed), ...sessionExtras(input) }, requestId);
}

/** @param requestId as in the answer */
function assumeRoleEvent(
  { caller, region }: Signed,
  input: AssumeRoleInput,
  { at, refused, requestId }: { at: Date; refused: Refusal | undefined; requestId: string },
): CloudTrailEvent {
  return eventOf({
    name: "AssumeRole",
    source: "sts.amazonaws.com",
    region,
    at,
    account: caller.identity.accountId,
    readOnly: true,
    requestId,
    userIdentity: callerElement(caller),
    request: requestElement(input),
    response: refused ? null : { assumedRoleUser: { arn: input.roleArn } },
    resources: [{ type: "AWS::IAM::Role", name: input.roleArn }],
    change: refused ? { errorCode: refused.code, errorMessage: refused.message } : {},
  });
}

function requestElement({ roleArn, sessionName, seconds, sourceIdentity, tags, transitive }: AssumeRoleInput): object {
  return {
    roleArn,
    roleSessionName: sessionName,
    durationSeconds: seconds,
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    ...(tags.size === 0 ? {} : { tags: [...tags].map(([key, value]) => ({ key, value })) }),
    ...(transitive.size === 0 ? {} : { transitiveTagKeys: [...transitive] }),
  };
}

function answerWebIdentity({ account, webIdentities, now }: AwsContext, params: URLSearchParams): SandboxAnswer {
  const assumed = attempt(() => assumeWithWebIdentity(account, webIdentities, params, now()));
  if (assumed instanceof Refusal) return stsError(assumed.code, assumed.message, assumed.status);
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

export type XmlMembers = { [name: string]: string | XmlMembers };

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";

function xmlAnswer(action: string, result: XmlMembers, id: string = crypto.randomUUID(), xmlns = stsNamespace) {
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
  return answerSigned(context, request, "iam", queryError, ({ caller }) => {
    const action = asked.get("Action");
    if (action !== "GetRole") refuse("InvalidAction", `Could not find operation ${action} for version ${iamVersion}`);
    const name = asked.get("RoleName") ?? "";
    const { accountId } = caller.identity;
    const role = context.account.role(accountId, name);
    const resource = role?.arn ?? `arn:${context.account.partition}:iam::${accountId}:role/${name}`;
    if (!mayCall(caller, "iam:GetRole", resource)) {
      const message = `User: ${caller.arn} is not authorized to perform: iam:GetRole on resource: role ${name}`;
      refuse("AccessDenied", message, 403);
    }
    if (!role) refuse("NoSuchEntity", `The role with name ${name} cannot be found.`, 404);
    const Role = {
      Path: role.arn.slice(role.arn.indexOf(":role/") + 5, role.arn.lastIndexOf("/") + 1),
      AssumeRolePolicyDocument: encodeURIComponent(JSON.stringify({ Version: "2012-10-17", Statement: [] })),
      RoleId: role.id,
      RoleName: name,
      Arn: role.arn,
      CreateDate: role.createdAt.toISOString().replace(".000Z", "Z"),
      MaxSessionDuration: String(role.maxSessionSeconds),
    };
    return xmlAnswer("GetRole", { Role }, crypto.randomUUID(), iamNamespace);
  });
}
