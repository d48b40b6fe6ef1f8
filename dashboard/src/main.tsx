// First: what is imported below reads it.
import './language.ts';
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import '../style/index.css';
import { App } from './app.tsx';
import { followLinks } from './state/address.ts';

followLinks();
render(<App />, document.body);
