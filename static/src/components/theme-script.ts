/** The one script that runs before anything is drawn, so that a dark page never flashes white. */

/** `"light"` or `"dark"`; absent means as the system has it. */
export const THEME_KEY = 'carrel.theme';

export const THEME_SCRIPT = `try{var t=JSON.parse(localStorage.getItem(${JSON.stringify(THEME_KEY)}))}catch(e){}if(t!=='light'&&t!=='dark')t=matchMedia('(prefers-color-scheme: dark)').matches?'dark':'light';document.documentElement.dataset.theme=t`;
