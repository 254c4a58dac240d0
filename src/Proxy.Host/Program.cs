using Proxy.Host.Cli;

return await TollwayCommand.RunAsync(args);
