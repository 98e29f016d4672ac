/** The partitions of AWS. aws-auth entries of any other never match: the authenticator knows no caller from there. */
export const PARTITIONS = [
  "aws",
  "aws-cn",
  "aws-us-gov",
  "aws-iso",
  "aws-iso-b",
  "aws-iso-e",
  "aws-iso-f",
  "aws-eusc",
] as const;

function isPartition(name: string | undefined, own?: string): boolean {
  return name !== undefined && (name === own || PARTITIONS.some((partition) => partition === name));
}

/** By the beginning of their regions' names (partitions.json of the AWS SDKs); the longer beginnings first. */
const regionsOfPartitions: readonly (readonly [RegExp, (typeof PARTITIONS)[number]])[] = [
  [/^cn-/, "aws-cn"],
  [/^us-gov-/, "aws-us-gov"],
  [/^us-iso-/, "aws-iso"],
  [/^us-isob-/, "aws-iso-b"],
  [/^eu-isoe-/, "aws-iso-e"],
  [/^us-isof-/, "aws-iso-f"],
  [/^eusc-/, "aws-eusc"],
  [/^(?:af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-\d+$/, "aws"],
];

/** The partition of a region; null: an unknown region. */
export function partitionOfRegion(region: string): string | null {
  return regionsOfPartitions.find(([form]) => form.test(region))?.[1] ?? null;
}

const ARN = /^arn:([^:]*):([^:]*):([^:]*):([^:]*):(.+)$/;

/** People copy commands into a shell, and others write the ARN: a path can have any characters. */
export const isShellSafe = (arn: string) => /^[\w+=,.@:/-]+$/.test(arn);

const NAME = /^[A-Za-z0-9_+=,.@-]{1,64}$/;

type PrincipalKind = "role" | "user";

/** An IAM role or user that aws-auth can name. */
export interface Principal {
  arn: string;
  kind: PrincipalKind;
  partition: string;
  /** Twelve digits. */
  account: string;
  /** The last part; a user's path is not in it. */
  name: string;
}

type PrincipalReading = { type: "principal"; principal: Principal } | ({ type: "invalid" } & Rejection);

const PRINCIPAL =
  /^arn:([a-z][a-z0-9-]*):iam::([0-9]{12}):(?:(role)\/|(user)\/(?:[!-)+->@-~]+\/)?)([A-Za-z0-9_+=,.@-]{1,64})$/;

/** Accepts only what the authenticator matches, and offers the right ARN for a nearly right one. `partition`: accepted too. */
export function readPrincipal(text: string, partition?: string): PrincipalReading {
  const match = PRINCIPAL.exec(text);
  if (match === null || !isPartition(match[1], partition))
    return { type: "invalid", ...rejectPrincipal(text, partition) };
  const [arn, of = "", account = "", role, , name = ""] = match;
  return { type: "principal", principal: { arn, kind: role ? "role" : "user", partition: of, account, name } };
}

interface Rejection {
  code: string;
  /** One or two sentences: the mistake and its fix. */
  message: string;
  /** The right ARN to copy, if the intent is certain: `readPrincipal` accepts it. */
  suggestion?: string;
}

function rejectPrincipal(text: string, partition: string | undefined): Rejection {
  const trimmed = text.trim();
  if (trimmed !== text) return rejectInFavourOf(trimmed, partition, "arn-padding", arnCharacters);
  if (/[^!-~]/.test(text)) return reject("arn-characters", arnCharacters);
  const match = ARN.exec(text);
  if (match === null) return reject("not-an-arn", notOfPrincipal);
  const [, of = "", service = "", region = "", account = "", resource = ""] = match;
  if (!isPartition(of, partition)) return rejectPart("arn-partition", "partition", of);
  if (/[*?]/.test(text)) return rejectKind("arn-wildcard", "A wildcard");
  if (!["sts", "iam"].includes(service)) return reject("arn-service", notOfPrincipal);
  if (!/^[0-9]{12}$/.test(account)) return rejectPart("arn-account", "account", account);
  if (service === "sts") return rejectSession(text, resource, partition);
  if (region !== "") return reject("arn-service", notOfPrincipal);
  return rejectResource(`arn:${of}:iam::${account}`, resource);
}

/** Offers what the other ARN means, unless that is none either. */
function rejectInFavourOf(other: string, partition: string | undefined, code: string, message: string): Rejection {
  const reading = readPrincipal(other, partition);
  const suggestion = reading.type === "principal" ? other : reading.suggestion;
  return { ...reject(code, message), ...(suggestion !== undefined && { suggestion }) };
}

function rejectSession(arn: string, resource: string, partition: string | undefined): Rejection {
  const role = resource.startsWith("assumed-role/") ? fromAssumedRole(arn) : null;
  if (role === null) return rejectKind("arn-service", "A federated user");
  return rejectInFavourOf(role, partition, "arn-assumed-role", "This is a session. Use its role's ARN.");
}

function rejectResource(prefix: string, resource: string): Rejection {
  const [kind = "", ...rest] = resource.split("/");
  const name = rest.at(-1) ?? "";
  if (resource === "root") return rejectKind("arn-root", "The root user of an account");
  if (kind === "instance-profile") return rejectKind("arn-instance-profile", "An instance profile");
  if (kind === "group") return rejectKind("arn-group", "An IAM group");
  if (kind !== "role" && kind !== "user") return rejectKind("arn-kind", quote(kind));
  if (!NAME.test(name)) return rejectPart("arn-name", "name", name);
  if (kind === "user") return rejectPart("arn-path", "path", rest.slice(0, -1).join("/"));
  const code = resource.startsWith("role/aws-reserved/sso.amazonaws.com/") ? "arn-sso-path" : "arn-path";
  return { ...reject(code, "Write the role without its path."), suggestion: `${prefix}:role/${name}` };
}

const arnCharacters = "Type the ARN in ASCII, without spaces.";
const formOfPrincipal = "Write `arn:aws:iam::<12 digits>:role/<name>`, or user/<name>.";
export const notOfPrincipal = `This is not an IAM ARN. ${formOfPrincipal}`;

function rejectKind(code: string, what: string): Rejection {
  return reject(code, `${what} can't get access. Use an IAM role or user.`);
}

function rejectPart(code: string, what: string, part: string): Rejection {
  return reject(code, `The ${what} ${quote(part)} is wrong in this ARN. ${formOfPrincipal}`);
}

function reject(code: string, message: string): Rejection {
  return { code, message };
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

/** What the authenticator compares, before it lowers the case. Null: no caller (aws-iam-authenticator, pkg/arn). */
export function canonicalCaller(stsArn: string): string | null {
  const [prefix, partition, service, , account, ...rest] = stsArn.split(":");
  const resource = rest.join(":");
  if (prefix !== "arn" || account === undefined || rest.length === 0 || !isPartition(partition)) return null;
  const kind = resource.split("/", 1)[0];
  if (service === "iam") return kind === "role" || kind === "user" || kind === "root" ? stsArn : null;
  if (service !== "sts") return null;
  if (kind === "federated-user") return stsArn;
  return kind === "assumed-role" ? fromAssumedRole(stsArn) : null;
}

/** `arn:…:iam::…:role/R` from `arn:…:sts::…:assumed-role/R/S`; null: it names no role. */
export function fromAssumedRole(stsArn: string): string | null {
  const [, partition, , , account, ...rest] = stsArn.split(":");
  const parts = rest.join(":").split("/");
  if (parts.length < 3) return null;
  return `arn:${partition}:iam::${account}:role/${parts.slice(1, -1).join("/")}`;
}
