import type { ConnectionHandle } from '../connection.ts';

const LOOK_MS = 20;

/** The connections of a worker that are past their handshake. */
export class Connections {
  readonly #handles = new Set<ConnectionHandle>();
  #draining = false;

  get size(): number {
    return this.#handles.size;
  }

  add(handle: ConnectionHandle): void {
    this.#handles.add(handle);
    if (this.#draining) handle.drain();
    void handle.closed.then(() => this.#handles.delete(handle));
  }

  /** Asks every connection to end when it has answered; those to come too. */
  drain(): void {
    this.#draining = true;
    for (const handle of this.#handles) handle.drain();
  }

  /**
   * Resolves when no connection is left and no handshake under way; at `end` what is left is ended.
   *
   * @param end - by `performance.now()`
   */
  async ended(end: number, handshakes: () => number): Promise<void> {
    while ((this.#handles.size > 0 || handshakes() > 0) && performance.now() < end) {
      await new Promise((resolve) => {
        setTimeout(resolve, LOOK_MS);
      });
    }
    for (const handle of this.#handles) handle.kill();
  }
}
