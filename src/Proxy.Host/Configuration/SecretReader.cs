namespace Proxy.Host.Configuration;

/// <summary>A secret that is either in the configuration or in a file of its own. Problems never repeat it.</summary>
internal static class SecretReader
{
    public static string? Read(SectionReader section, string name, string fileName)
    {
        string? value = section.Text(name);
        string? file = section.Text(fileName);
        if (value is not null && file is not null)
        {
            section.Problem(name, $"is given twice: keep either it or {section.PathOf(fileName)}");
            return null;
        }

        if (file is not null)
        {
            name = fileName;
            try
            {
                value = File.ReadAllText(file);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                section.Problem(fileName, $"cannot be read: {fault.Message}");
                return null;
            }
        }

        value = value?.Trim();
        if (string.IsNullOrEmpty(value))
        {
            if (file is not null)
            {
                section.Problem(fileName, $"the file {file} is empty");
            }

            return null;
        }

        if (!IsHeaderSafe(value))
        {
            section.Problem(name, "has characters that a header field cannot carry (only visible ASCII is possible)");
            return null;
        }

        return value;
    }

    public static bool IsHeaderSafe(string value)
    {
        foreach (char c in value)
        {
            if (c is < '!' or > '~')
            {
                return false;
            }
        }

        return true;
    }
}
