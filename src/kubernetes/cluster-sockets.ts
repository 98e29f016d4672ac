import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { Agent, buildConnector, type Dispatcher } from "undici";

interface ClusterSockets {
  readonly dispatcher: Dispatcher;
  /** This user has no more calls. */
  release(): void;
}

interface Kept {
  readonly agent: Agent;
  users: number;
  expiry?: NodeJS.Timeout;
}

/** Shorter than any proxy's limit for an idle connection: the API server's is 90 s (secure_serving.go), an AWS load balancer's 350 s. */
const idleMs = 20_000;
/**
 * Half of a burst's 64 calls at a time (src/worker/in-parallel.ts): each connection costs a handshake and memory. A run with few calls at
 * a time opens few.
 */
const connections = 32;
const connectMs = 5_000;

const kept = new Map<string, Kept>();

/**
 * The sockets to an API server outlive a run: the next run within some seconds needs no TLS handshake, which costs as much processor
 * time as all the calls of a run. They hold no credentials: each call brings its own token. Another authority is another API server,
 * whatever its address.
 * @param authority PEM
 */
export function takeSockets(endpoint: string, authority: string): ClusterSockets {
  const place = `${endpoint}\n${authority}`;
  const sockets = kept.get(place) ?? open(place, authority);
  clearTimeout(sockets.expiry);
  sockets.users += 1;
  let isReleased = false;
  return {
    dispatcher: sockets.agent,
    release: () => {
      if (isReleased) return;
      isReleased = true;
      sockets.users -= 1;
      if (sockets.users === 0) expire(place, sockets);
    },
  };
}

function open(place: string, authority: string): Kept {
  const timeouts = { keepAliveTimeout: idleMs, keepAliveMaxTimeout: idleMs };
  const agent = new Agent({ connect: connectorTo(place, authority), connections, ...timeouts });
  const sockets = { agent, users: 0 };
  kept.set(place, sockets);
  return sockets;
}

/** The last TLS session of each API server: to resume it costs a third of a handshake. Only the server of that handshake has its keys. */
const sessions = new Map<string, Buffer>();
/** Each has some two kilobytes. */
const maxSessions = 2_000;

function connectorTo(place: string, authority: string): buildConnector.connector {
  let secureContext: SecureContext | undefined;
  return (options, connected) => {
    // As a list: for an empty text Node.js would trust every public authority.
    secureContext ??= createSecureContext({ ca: [authority] });
    const session = sessions.get(place);
    const connect = buildConnector({ secureContext, timeout: connectMs, ...(session && { session }) });
    connect(options, (...result) => {
      const [, socket] = result;
      // After the server's certificate was checked.
      if (socket instanceof TLSSocket) socket.on("session", (next) => rememberSession(place, next));
      connected(...result);
    });
  };
}

function rememberSession(place: string, session: Buffer): void {
  sessions.delete(place);
  sessions.set(place, session);
  for (const oldest of [...sessions.keys()].slice(0, -maxSessions)) sessions.delete(oldest);
}

/** Neither the timer nor an idle socket keeps a process alive. */
function expire(place: string, sockets: Kept): void {
  sockets.expiry = setTimeout(() => {
    kept.delete(place);
    void sockets.agent.destroy();
  }, idleMs).unref();
}
