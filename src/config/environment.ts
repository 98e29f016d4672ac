import { z } from "zod";
import type { RedisAccess } from "../ledger/client.ts";
import { readRedisUrl } from "../ledger/redis-url.ts";
import type { TraceProtocol } from "../operations/traced.ts";
import { duration, shortDuration, use } from "./forms.ts";
import {
  forbidOthersSecrets,
  type KeyEnvironment,
  type ProcessKind,
  readKeys,
  type Variables,
} from "./key-environment.ts";

const protocols: readonly TraceProtocol[] = ["http/protobuf", "http/json"];

export interface Environment extends RedisEnvironment, KeyEnvironment {
  /** Null: the process makes no traces. */
  readonly tracing: { readonly protocol: TraceProtocol } | null;
  readonly configFile: string;
  /** The bytes of the secret that signs the audit webhook. Null: none, or another process. */
  readonly webhookSecret: Buffer | null;
  readonly logLevel: string;
  /** `auto`: lines for people in a terminal, JSON otherwise. */
  readonly logFormat: "json" | "auto";
  /** How long a process may take to finish its work after a request to stop. */
  readonly stopWithinSeconds: number;
  /** How often a process checks its service, if it serves its health. */
  readonly probeEverySeconds: number;
  /** How long `/readyz` and the metrics wait for Redis; undefined: 2 s. */
  readonly readyWithinMs: number | undefined;
  /** Undefined: no health and no metrics. */
  readonly healthPort: number | undefined;
  /** Present in the environment of the Slack process. */
  readonly slack: SlackEnvironment | null;
}

export interface SlackEnvironment {
  readonly botToken: string;
  /** HTTP: the secret to verify requests. */
  readonly signingSecret: string | undefined;
  /** Socket Mode: an app-level token. */
  readonly appToken: string | undefined;
  /** Slack's Web API; undefined: Slack's own address. */
  readonly apiUrl: string | undefined;
  readonly port: number;
}

const port = z.coerce.number().int().min(0).max(65_535);
const aPort = "a number from 0 to 65535";
const logLevel = z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]);
const logFormat = z.enum(["json", "auto"]);
const aSecond = duration.refine((seconds) => seconds >= 1);
const webUrl = z.string().refine((text) => /^https?:\/\//.test(text) && URL.canParse(text));

export function readEnvironment(
  env: Variables,
  kind: ProcessKind,
): { environment: Environment | null; problems: readonly string[] } {
  const problems: string[] = [];
  const read = readerOf(env, problems);
  const environment: Environment = {
    configFile: env.EKS_ACCESS_CONFIG || "eks-access.yml",
    webhookSecret: kind === "slack" ? null : readWebhookSecret(env, problems),
    ...readRedisEnvironment(env, problems),
    tracing: readTracing(env, problems),
    ...readKeys(env, kind, problems),
    logLevel: read("LOG_LEVEL", "info", logLevel, logLevel.options.join(" or ")),
    logFormat: read("LOG_FORMAT", "auto", logFormat, logFormat.options.join(" or ")),
    stopWithinSeconds: read("STOP_DEADLINE", "25s", duration, "a time of at least 1s, such as 25s"),
    probeEverySeconds: read("PROBE_EVERY", "30s", aSecond, "a time of at least 1s, such as 30s"),
    readyWithinMs: readTimeout(read, "READY_TIMEOUT", "100ms", "30s"),
    healthPort: read("HEALTH_PORT", undefined, port.optional(), aPort),
    slack: kind === "worker" ? null : readSlack(env, problems),
  };
  forbidOthersSecrets(env, kind, problems);
  return { environment: problems.length === 0 ? environment : null, problems };
}

const webhookSecretProblem = use(
  "AUDIT_WEBHOOK_SECRET",
  "whsec_ and the output of openssl rand -base64 32, for audit.webhook",
);

/** In the form of Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. */
function readWebhookSecret({ AUDIT_WEBHOOK_SECRET: text }: Variables, problems: string[]): Buffer | null {
  if (!text) return null;
  const secret = Buffer.from(/^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1] ?? "", "base64");
  if (secret.length >= 24 && secret.length <= 64) return secret;
  problems.push(webhookSecretProblem);
  return null;
}

/** What `audit.webhook` of `eks-access.yml` needs from the worker's environment. */
export function webhookProblems(hasSecret: boolean, hasWebhook: boolean): readonly string[] {
  if (!hasWebhook || hasSecret) return [];
  return [webhookSecretProblem];
}

function readSlack(env: Variables, problems: string[]): SlackEnvironment {
  const read = readerOf(env, problems);
  const botToken = env.SLACK_BOT_TOKEN ?? "";
  if (!botToken.startsWith("xoxb-")) problems.push(use("SLACK_BOT_TOKEN", "the app's bot token (xoxb-…)"));
  const apiUrl = read("SLACK_API_URL", undefined, webUrl.optional(), "a URL such as https://… or http://…");
  const ofProxy = readerOf({ HTTPS_PROXY: env.https_proxy || env.HTTPS_PROXY }, problems);
  ofProxy("HTTPS_PROXY", undefined, webUrl.optional(), "a URL such as http://proxy.example.com:3128");
  return {
    botToken,
    signingSecret: env.SLACK_SIGNING_SECRET || undefined,
    appToken: env.SLACK_APP_TOKEN || undefined,
    apiUrl,
    port: read("PORT", "3000", port, aPort),
  };
}

/** Reads a variable, or its usual value, in a form. @param what the problem says to use */
type Reader = <T>(name: string, usual: string | undefined, form: z.ZodType<T>, what: string) => T;

function readerOf(env: Variables, problems: string[]): Reader {
  return <T>(name: string, usual: string | undefined, form: z.ZodType<T>, what: string) => {
    const value = env[name] || usual;
    const read = form.safeParse(value);
    if (read.success) return read.data;
    problems.push(use(name, what));
    return value as T;
  };
}

function readTimeout(read: Reader, name: string, from: string, to: string): number | undefined {
  const [least, most] = [shortDuration.parse(from), shortDuration.parse(to)];
  const bounded = shortDuration.refine((ms) => ms >= least && ms <= most).optional();
  return read(name, undefined, bounded, `a time from ${from} to ${to}, such as 2s`);
}

/** What the mode of `eks-access.yml` needs from the environment. */
export function slackModeProblems(env: Variables, kind: ProcessKind, mode: "http" | "socket"): readonly string[] {
  if (kind === "worker") return [];
  // Quotes, or the end of a line, which a secret store keeps: no click would come in.
  if (mode === "http" && !/^\w+$/.test(env.SLACK_SIGNING_SECRET ?? "")) {
    return [use("SLACK_SIGNING_SECRET", "the app's signing secret (letters and digits), for slack.mode http")];
  }
  if (mode === "socket" && !env.SLACK_APP_TOKEN?.startsWith("xapp-")) {
    return [use("SLACK_APP_TOKEN", "the app-level token (xapp-…), for slack.mode socket")];
  }
  return [];
}

/** Whether OpenTelemetry's own variables switch traces on. Its SDK reads the rest by itself. */
export function readTracing(env: Variables, problems: string[]): { readonly protocol: TraceProtocol } | null {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true") return null;
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const exporter = (env.OTEL_TRACES_EXPORTER || (endpoint ? "otlp" : "none")).trim();
  if (exporter === "none") return null;
  if (exporter !== "otlp") problems.push(use("OTEL_TRACES_EXPORTER", "otlp or none"));
  const named = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || "http/protobuf";
  const protocol = protocols.find((each) => each === named.trim());
  if (!protocol) problems.push(use("OTEL_EXPORTER_OTLP_PROTOCOL", protocols.join(" or ")));
  return { protocol: protocol ?? "http/protobuf" };
}

/** The address of Redis and the user. It can hold a password: never put it into a log or a message. */
type RedisEnvironment = { readonly redisUrl: string; readonly redisAccess: RedisAccess };

export function readRedisEnvironment(env: Variables, problems: string[]): RedisEnvironment {
  const read = readerOf(env, problems);
  const redisUrl = env.REDIS_URL || "redis://localhost:6379";
  const redisAccess = {
    username: env.REDIS_USERNAME || undefined,
    password: env.REDIS_PASSWORD || undefined,
    sentinelUsername: env.REDIS_SENTINEL_USERNAME || undefined,
    sentinelPassword: env.REDIS_SENTINEL_PASSWORD || undefined,
    caFile: env.REDIS_CA_FILE || undefined,
    certFile: env.REDIS_CERT_FILE || undefined,
    keyFile: env.REDIS_KEY_FILE || undefined,
    connectTimeoutMs: readTimeout(read, "REDIS_CONNECT_TIMEOUT", "100ms", "30s"),
    commandTimeoutMs: readTimeout(read, "REDIS_COMMAND_TIMEOUT", "500ms", "1m"),
  };
  problems.push(...problemsOf(redisUrl, redisAccess));
  return { redisUrl, redisAccess };
}

function problemsOf(redisUrl: string, access: RedisAccess): readonly string[] {
  const reading = readRedisUrl(redisUrl);
  const ofFiles = use("REDIS_CERT_FILE, REDIS_KEY_FILE", "both or neither");
  const files = !access.certFile !== !access.keyFile ? [ofFiles] : [];
  if (reading.type === "invalid") return [`REDIS_URL: ${reading.problem}`, ...files];
  const { tls, kind, username, password } = reading.address;
  const rules: readonly (readonly [isBroken: boolean, problem: string])[] = [
    [differ(username, access.username), doubled("REDIS_USERNAME")],
    [differ(password, access.password), doubled("REDIS_PASSWORD")],
    [!tls && Boolean(access.caFile), useless("REDIS_CA_FILE", "rediss://…")],
    [!tls && Boolean(access.certFile), useless("REDIS_CERT_FILE", "rediss://…")],
    [kind !== "sentinel" && Boolean(access.sentinelPassword), useless("REDIS_SENTINEL_PASSWORD", "redis+sentinel://…")],
  ];
  return [...rules.filter(([isBroken]) => isBroken).map(([, problem]) => problem), ...files];
}

const doubled = (name: string) => `${name}: REDIS_URL has another value. Remove one of them.`;
const useless = (name: string, scheme: string) => use(name, `${scheme} in REDIS_URL, or remove it`);

function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
