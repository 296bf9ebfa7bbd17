/** The file whose editor is to take the keyboard once it is there, unless the user does something else before. */
import { Store } from '@/lib/store';

export class FocusRequest extends Store<string | null> {
  private watch = new AbortController();

  constructor() {
    super(null);
    // Whoever has taken the keyboard says so here.
    this.subscribe(() => this.get() === null && this.watch.abort());
  }

  ask(path: string | null): void {
    this.watch.abort();
    this.set(path);
    if (path === null) return;
    const { signal } = (this.watch = new AbortController());
    const cancel = (): void => this.set(null);
    // What asked may be a key or a click that is still on its way.
    setTimeout(() => {
      window.addEventListener('keydown', cancel, { capture: true, signal });
      window.addEventListener('pointerdown', cancel, { capture: true, signal });
    }, 0);
  }
}
