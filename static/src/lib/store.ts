/** A value that can be watched: what plain classes expose so that React only subscribes. */
import { useSyncExternalStore } from 'react';

/** Read and watch, without the right to change. */
export interface Readable<T> {
  get: () => T;
  subscribe: (listener: () => void) => () => void;
}

/** One immutable value; listeners run after every change to a different value. */
export class Store<T> implements Readable<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private value: T) {}

  get = (): T => this.value;

  set(value: T): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const listener of [...this.listeners]) listener();
  }

  update(change: (old: T) => T): void {
    this.set(change(this.value));
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

/** The current value of a store, re-rendering on change. */
export function useStore<T>(store: Readable<T>): T {
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}
