/** The signed-in user: who it is, and the way out. */
'use client';

import { LogOut } from 'lucide-react';
import { messageOf } from '@/api/problem';
import { useConfirm } from '@/components/confirm';
import { Dropdown } from '@/components/menu';
import { useToast } from '@/components/toasts';
import { useAuth, useUser } from '@/features/auth/auth-context';
import { draftTable } from '@/features/editor/draft-database';
import { draftsOf, type DraftPlace } from '@/features/editor/drafts';
import { hasComposed } from '@/features/review/composed';
import { namesOf } from '@/lib/names';

interface UserMenuProps {
  /** Saves what this page can; resolves to what is then still only here. */
  saveFirst?: () => Promise<readonly DraftPlace[]>;
}

export function UserMenu({ saveFirst }: UserMenuProps) {
  const user = useUser();
  const { signOut } = useAuth();
  const toast = useToast();
  const confirm = useConfirm();
  const name = user.display_name || user.username;

  /** Signing out leaves no drafts in the browser: those of other sessions, tabs and visits go too. */
  const mayLeave = async (): Promise<boolean> => {
    const here = (await saveFirst?.()) ?? [];
    const kept = await draftsOf(draftTable(), user.id).catch(() => []);
    const places = new Map([...here, ...kept].map((place) => [`${place.session}/${place.path}`, place.path]));
    const unsent = hasComposed(user.id);
    const changes = `${namesOf([...places.values()])} ${places.size === 1 ? 'has' : 'have'} changes that are not saved.`;
    const lost = [
      ...(places.size > 0 ? [changes] : []),
      ...(unsent ? ['What you have begun to write in a review is not sent.'] : []),
    ];
    return (
      lost.length === 0 ||
      confirm({
        title: places.size > 0 ? 'Sign out without saving?' : 'Sign out without sending?',
        text: `${lost.join(' ')} ${lost.length === 1 && places.size === 0 ? 'It is' : 'They are'} lost if you sign out now.`,
        yes: 'Sign out',
        danger: true,
      })
    );
  };

  const leave = async (): Promise<void> => {
    try {
      if (await mayLeave()) await signOut();
    } catch (error) {
      toast(messageOf(error), 'danger');
    }
  };

  return (
    <Dropdown
      trigger={
        <button
          type="button"
          aria-label={`Account of ${name}`}
          title={name}
          className="flex size-7 items-center justify-center rounded-full bg-selected text-xs font-semibold text-accent uppercase"
        >
          {[...name][0]}
        </button>
      }
      header={
        <>
          <span className="block font-medium text-fg">{name}</span>
          <span className="block text-xs">{user.email}</span>
        </>
      }
      entries={[
        {
          label: 'Sign out',
          icon: <LogOut />,
          onSelect: () => void leave(),
        },
      ]}
    />
  );
}
