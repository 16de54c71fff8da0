/** What can stand in an {@link ExpiryHeap}: the heap keeps its place in `heapIndex`, so that it can be taken out in O(log n). */
export interface Expiring {
  /** Milliseconds since the epoch. Must not change while in the heap. */
  readonly expiresAt: number;
  /** Owned by the heap; -1 outside it. */
  heapIndex: number;
}

/** A binary heap ordered by expiry: the earliest is known at once, adding and taking out cost O(log n). */
export class ExpiryHeap<T extends Expiring> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The one that expires first. */
  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#place(item, this.#items.length);
    this.#rise(item);
  }

  /** Takes `item` out; nothing happens when it is not in. */
  remove(item: T): void {
    const index = item.heapIndex;
    if (this.#items[index] !== item) return;
    item.heapIndex = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#place(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(item: T): void {
    while (item.heapIndex > 0) {
      const index = item.heapIndex;
      const parent = this.#items[(index - 1) >>> 1];
      if (parent === undefined || parent.expiresAt <= item.expiresAt) return;
      this.#place(item, parent.heapIndex);
      this.#place(parent, index);
    }
  }

  #sink(item: T): void {
    for (;;) {
      const index = item.heapIndex;
      const left = this.#items[index * 2 + 1];
      const right = this.#items[index * 2 + 2];
      if (left === undefined) return;
      const child = right !== undefined && right.expiresAt < left.expiresAt ? right : left;
      if (child.expiresAt >= item.expiresAt) return;
      this.#place(item, child.heapIndex);
      this.#place(child, index);
    }
  }

  #place(item: T, index: number): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }
}
