import { randomBytes } from "node:crypto";
import {
  type Caller,
  type Credentials,
  type Identity,
  readPolicyDocument,
  type Session,
  type SessionCredentials,
  type TrustPolicy,
} from "./identities.ts";

type SessionOptions = { seconds?: number } & Partial<Omit<Session, "token" | "expiresAt">>;

const noTrust: TrustPolicy = { principals: [] };

/** The identities of an AWS account, and foreign ones for roles across accounts, with their access keys and sessions. */
interface NewIdentity {
  name: string;
  path?: string;
  account?: string;
  allow?: readonly string[];
  createdAt?: Date;
}

export class SandboxAccount {
  readonly id: string;
  readonly partition: string;
  readonly #now: () => Date;
  readonly #identities = new Map<string, Identity>();
  readonly #callers = new Map<string, Caller>();
  /** Regions without an activated STS. */
  readonly disabledRegions = new Set<string>();

  constructor(options: { id: string; partition: string; now: () => Date }) {
    this.id = options.id;
    this.partition = options.partition;
    this.#now = options.now;
  }

  addUser(user: NewIdentity): { arn: string } & Credentials {
    const arn = this.#add("user", user, noTrust, 0);
    return { arn, ...this.addAccessKey(arn) };
  }

  /** Adds an IAM role. `maxSessionSeconds` is an hour by default, as in IAM; `createdAt` is now. */
  addRole(role: NewIdentity & { trust?: TrustPolicy; maxSessionSeconds?: number }): { arn: string } {
    return { arn: this.#add("role", role, role.trust ?? noTrust, role.maxSessionSeconds ?? 3600) };
  }

  addAccessKey(userArn: string): Credentials {
    const identity = this.#known(userArn);
    const credentials = { accessKeyId: keyId("AKIA"), secretAccessKey: secret() };
    this.#callers.set(credentials.accessKeyId, { identity, arn: identity.arn, userId: identity.id, ...credentials });
    return credentials;
  }

  setTrust(roleArn: string, trust: TrustPolicy): void {
    this.#identities.set(roleArn, { ...this.#known(roleArn), trust });
  }

  setAllowed(arn: string, allow: readonly string[]): void {
    this.#identities.set(arn, { ...this.#known(arn), allow });
  }

  setPolicy(arn: string, document: string): void {
    const policy = readPolicyDocument(document);
    if (!policy) throw new Error(`not a policy that the sandbox understands: ${document}`);
    this.#identities.set(arn, { ...this.#known(arn), policy });
  }

  removeIdentity(arn: string): void {
    this.#identities.delete(arn);
  }

  /** Without a check of the trust policy: as IRSA, Pod Identity or an instance profile give it to a process. */
  sessionFor(roleArn: string, name: string, options: SessionOptions = {}): SessionCredentials {
    const identity = this.#known(roleArn);
    const expiresAt = new Date(Math.floor(this.#now().getTime() / 1000) * 1000 + (options.seconds ?? 3600) * 1000);
    const credentials = { accessKeyId: keyId("ASIA"), secretAccessKey: secret() };
    const { sourceIdentity, tags = new Map(), transitive = new Set() } = options;
    const token = sessionToken(tags);
    const session = {
      token,
      expiresAt,
      tags,
      transitive,
      ...(options.policy && { policy: options.policy }),
      ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    };
    this.#callers.set(credentials.accessKeyId, {
      identity,
      arn: `arn:${this.partition}:sts::${identity.accountId}:assumed-role/${identity.name}/${name}`,
      userId: `${identity.id}:${name}`,
      ...credentials,
      session,
    });
    return { ...credentials, sessionToken: token, expiration: expiresAt };
  }

  identity(arn: string): Identity | undefined {
    return this.#identities.get(arn);
  }

  /** A name is unique in an account, whatever the path. */
  role(account: string, name: string): Identity | undefined {
    const isAsked = (each: Identity) => each.kind === "role" && each.accountId === account && each.name === name;
    return [...this.#identities.values()].find(isAsked);
  }

  /** Every secret key and session token of this account: none of them may appear anywhere. */
  secrets(): readonly string[] {
    return [...this.#callers.values()].flatMap(({ secretAccessKey, session }) => [
      secretAccessKey,
      ...(session ? [session.token] : []),
    ]);
  }

  /** The present owner of an access key; undefined: the key or its identity no longer exists. */
  caller(accessKeyId: string): Caller | undefined {
    const caller = this.#callers.get(accessKeyId);
    const identity = caller && this.#identities.get(caller.identity.arn);
    return caller && identity ? { ...caller, identity } : undefined;
  }

  #add(
    kind: Identity["kind"],
    { name, path = "/", account = this.id, allow = [], createdAt: at = this.#now() }: NewIdentity,
    trust: TrustPolicy,
    maxSessionSeconds: number,
  ): string {
    const arn = `arn:${this.partition}:iam::${account}:${kind}${path}${name}`;
    if (this.#identities.has(arn)) throw new Error(`${arn} exists already`);
    const id = keyId(kind === "user" ? "AIDA" : "AROA", 17);
    const createdAt = new Date(Math.floor(at.getTime() / 1000) * 1000);
    const made = { kind, arn, accountId: account, name, id, createdAt };
    this.#identities.set(arn, { ...made, allow, policy: [], trust, maxSessionSeconds });
    return arn;
  }

  #known(arn: string): Identity {
    const identity = this.#identities.get(arn);
    if (!identity) throw new Error(`there is no ${arn} in the sandbox`);
    return identity;
  }
}

function keyId(prefix: string, length = 16): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  return prefix + [...randomBytes(length)].map((byte) => letters[byte % 32]).join("");
}

function secret(): string {
  return randomBytes(30).toString("base64");
}

/** AWS does not document the size of an STS token: this one grows with the tags. */
function sessionToken(tags: ReadonlyMap<string, string>): string {
  const carried = [...tags].reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return `IQoJb3JpZ2luX2Vj${randomBytes(240 + carried).toString("base64")}`;
}
