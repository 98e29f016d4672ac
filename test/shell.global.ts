/**
 * What a shell can have for the product or its libraries, such as an AWS profile: the tests give each process its own. REDIS_URL stays:
 * a test takes an empty database in it.
 */
const forTheProduct =
  /^(AWS|SLACK|OTEL|AUDIT|DECISION|PREVIEW|MEMORY|LOG|HEALTH|PROBE|READY|STOP)_|^REDIS_(?!URL$)|^(EKS_ACCESS_CONFIG|KUBECONFIG|PORT|DEBUG|FORCE_COLOR|NO_COLOR|NODE_ENV|NODE_OPTIONS)$/;

/** Vitest's global setup, before it starts the processes of the tests. */
export default function setup(): void {
  for (const name of Object.keys(process.env)) if (forTheProduct.test(name)) delete process.env[name];
}
