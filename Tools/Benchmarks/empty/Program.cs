// Does nothing: what is left of a run is the start and the end of .NET.
return;
