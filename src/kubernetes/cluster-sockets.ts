import { Agent, type Dispatcher } from "undici";

/** Sockets to one API server, as one user of them holds them. */
export interface ClusterSockets {
  readonly dispatcher: Dispatcher;
  /** The user has no more calls to make. */
  release(): void;
}

interface Kept {
  readonly agent: Agent;
  users: number;
  expiry?: NodeJS.Timeout;
}

/**
 * Shorter than any proxy's limit for an idle connection: the API server does after 90 s
 * (kubernetes, secure_serving.go), a network load balancer of AWS after 350 s.
 */
const idleMs = 20_000;
/** The proofs of one run are made beside each other. */
const connections = 4;
const connectMs = 5_000;

const kept = new Map<string, Kept>();

/**
 * The sockets to an API server, which outlive a run: the next one for the same cluster within some seconds needs no new TLS
 * handshake, which costs as much processor time as all the calls of a run. They hold no credentials: each call brings its
 * own token. Another authority is another API server, whatever its address.
 *
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
  const agent = new Agent({ connect: { ca: authority, timeout: connectMs }, connections, ...timeouts });
  const sockets = { agent, users: 0 };
  kept.set(place, sockets);
  return sockets;
}

/** Neither the timer nor an idle socket keeps a process alive. */
function expire(place: string, sockets: Kept): void {
  sockets.expiry = setTimeout(() => {
    kept.delete(place);
    void sockets.agent.destroy();
  }, idleMs).unref();
}
