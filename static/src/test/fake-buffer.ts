/** A text buffer without an editor. */
import type { TextBuffer } from '@/features/editor/text-buffer';

export class FakeBuffer implements TextBuffer {
  private readonly listeners = new Set<() => void>();
  private readonly versions = new Map<string, number>();
  disposed = false;

  constructor(private value: string) {}

  text(): string {
    return this.value;
  }

  version(): number {
    const known = this.versions.get(this.value);
    if (known !== undefined) return known;
    this.versions.set(this.value, this.versions.size + 1);
    return this.versions.size;
  }

  replace(text: string): void {
    this.value = text;
    for (const listener of this.listeners) listener();
  }

  /** The user types. */
  type(text: string): void {
    this.replace(text);
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  dispose(): void {
    this.disposed = true;
  }
}
