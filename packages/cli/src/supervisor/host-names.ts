// The names under which this machine is reached.
import { isDnsName } from '@countersign/pki';

/** Everything a local client may call: loopback, and the machine's own name where it is one that DNS could have. */
export function localNames(hostname: string): readonly string[] {
  const own = hostname.toLowerCase();
  return ['localhost', '127.0.0.1', '::1', ...(isDnsName(own) && own !== 'localhost' ? [own] : [])];
}

/** Whether an address is only this machine's. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/u.test(host);
}

/** Whether an address stands for every address of the machine. */
export function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
