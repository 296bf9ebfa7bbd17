/** Switches between light and dark. */
'use client';

import { Moon, Sun } from 'lucide-react';
import { IconButton } from '@/components/button';
import { useTheme } from '@/components/theme';

export function ThemeToggle() {
  const { theme, toggle } = useTheme();
  return (
    <IconButton
      label={theme === 'dark' ? 'Use light colours' : 'Use dark colours'}
      onClick={toggle}
      className="size-7"
    >
      {theme === 'dark' ? <Sun /> : <Moon />}
    </IconButton>
  );
}
