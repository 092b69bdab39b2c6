export async function story(main){main.append('…')}
