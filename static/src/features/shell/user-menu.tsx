/** The signed-in user: who it is, and the way out. */
'use client';

import { LogOut } from 'lucide-react';
import { messageOf } from '@/api/problem';
import { Dropdown } from '@/components/menu';
import { useToast } from '@/components/toasts';
import { useAuth, useUser } from '@/features/auth/auth-context';

interface UserMenuProps {
  /** Asked first; `false` keeps the user here. */
  beforeSignOut?: () => Promise<boolean>;
}

export function UserMenu({ beforeSignOut }: UserMenuProps) {
  const user = useUser();
  const { signOut } = useAuth();
  const toast = useToast();
  const name = user.display_name || user.username;

  const leave = async (): Promise<void> => {
    try {
      if ((await beforeSignOut?.()) ?? true) await signOut();
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
