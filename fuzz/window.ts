const maxInput = 1 << 20;
const header = 12;

/** Memory in which a fuzzing thread shows the input that it is about to try, for when it does not come back. */
export class InputWindow {
  readonly memory: SharedArrayBuffer;
  private readonly counters: Int32Array;
  private readonly octets: Uint8Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(header + maxInput)) {
    this.memory = memory;
    this.counters = new Int32Array(memory, 0, 3);
    this.octets = new Uint8Array(memory, header);
  }

  show(input: Uint8Array): void {
    const length = Math.min(input.length, maxInput);
    this.octets.set(input.subarray(0, length));
    this.counters[1] = length;
    Atomics.add(this.counters, 0, 1);
    Atomics.store(this.counters, 2, 1);
  }

  /** No input is being tried: seeds are being loaded, which may take its time. */
  rest(): void {
    Atomics.store(this.counters, 2, 0);
  }

  get busy(): boolean {
    return Atomics.load(this.counters, 2) === 1;
  }

  /** How many inputs were shown. */
  get count(): number {
    return Atomics.load(this.counters, 0);
  }

  get input(): Uint8Array {
    return this.octets.slice(0, this.counters[1]);
  }
}
